"""Several environments side by side: assembling one leaves a part of the machine idle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from harness import console
from harness.engines.protocol import Image
from harness.environments.lock import Lock
from harness.errors import HarnessError
from harness.matrix.environment import Environment

AT_ONCE = 2
"""Each writes a gigabyte: more would wait for the disk."""


def assembled(
    environments: Iterable[Environment],
    lock: Callable[[Environment], Lock],
    assemble: Callable[[Lock], Image],
) -> Iterator[tuple[Environment, Image | HarnessError]]:
    """The image of each environment, or why there is none: in order, as soon as it is known."""

    def attempt(environment: Environment) -> Image | HarnessError:
        try:
            return assemble(lock(environment))
        except HarnessError as error:
            return error

    wanted = list(environments)
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="assemble")
    try:
        yield from zip(wanted, pool.map(attempt, wanted), strict=True)
    except KeyboardInterrupt:
        # Docker has no way to call back what it loads.
        console.note("what is being built is waited for")
        raise
    finally:
        pool.shutdown(cancel_futures=True)
