"""The two ways a run gets its process: one of its own, or a child of one that imported already."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from harness import scratch
from harness.engines import outcomes
from harness.engines.protocol import Engine, Image, Order, Outcome
from harness.errors import EngineError
from harness.executors import exchange_folders, replies
from harness.executors.exchange_folders import Exchange
from harness.executors.replies import Reply
from harness.executors.staging import StagedRunner
from harness.protocol import exchange, untrusted, wakeup
from harness.protocol.files import write_json

Isolation = Literal["fresh", "forked"]

_IMPORT_POLL_SECONDS = 0.01
_ENDING_POLL_SECONDS = 0.1
"""How often the host looks for the end of a run when nobody wakes it."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one run may take: `timeout` in seconds, `memory` in bytes."""

    timeout: float
    memory: int


@dataclass(frozen=True, kw_only=True)
class ProcessTemplate:
    """What the processes of a job share: an image and what is set before the process starts.

    `data` is the folder that holds the prepared data sets.
    """

    engine: Engine
    image: Image
    runner: StagedRunner
    data: Path
    variables: Mapping[str, str]
    gpu: bool


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a run ended, and what it left in `folder`: a reply perhaps, weights, predictions.

    `log` is the end of what it printed; `cpus` are those it ran on. `reply` is None where there is
    no valid one, `complaint` says what is wrong with what the runner left.
    """

    outcome: Outcome
    folder: Path
    log: str
    isolation: Isolation
    cpus: tuple[int, ...]
    reply: Reply | None
    complaint: str


def _ending(
    outcome: Outcome,
    folder: Path,
    log: str,
    isolation: Isolation,
    cpus: tuple[int, ...],
    complaint: str = "",
) -> Ending:
    reply, wrong = (None, complaint) if complaint else replies.read(folder)
    return Ending(
        outcome=outcome,
        folder=folder,
        log=log,
        isolation=isolation,
        cpus=cpus,
        reply=reply,
        complaint=wrong,
    )


@contextmanager
def fresh(
    template: ProcessTemplate,
    request: Mapping[str, Any],
    cpus: tuple[int, ...],
    limits: Limits,
    lend: Callable[[Path], AbstractContextManager[None]] = lambda output: nullcontext(),
    give: Callable[[Path], None] = lambda control: None,
) -> Iterator[Ending]:
    """The run in a process of its own. Its files are there within the `with` block.

    `lend` puts what the run is to find into its output folder, and takes it back. `give` puts what
    it is to read into its control folder.
    """
    with exchange_folders.opened() as folders, lend(folders.output):
        give(folders.control)
        write_json(folders.control / exchange.REQUEST, _limited(request, cpus, limits))
        outcome = template.engine.run(_order(template, folders, cpus, limits))
        yield _ending(outcome, folders.output, untrusted.tail(folders.log), "fresh", cpus)


@contextmanager
def _entered(output: Path, *parts: str) -> Iterator[Path]:
    """A folder that a warm process made; an empty one where a training put something else there."""
    with ExitStack() as stack:
        try:
            path = stack.enter_context(untrusted.folder(output, *parts))
        except OSError:
            path = str(stack.enter_context(scratch.folder("empty")))
        yield Path(path)


def _limited(
    request: Mapping[str, Any], cpus: tuple[int, ...], limits: Limits
) -> Mapping[str, Any]:
    own = {"cpus": list(cpus), "timeout_s": limits.timeout, "memory_bytes": limits.memory}
    return {**request, "limits": own}


def _order(
    template: ProcessTemplate, folders: Exchange, cpus: tuple[int, ...], limits: Limits
) -> Order:
    return Order(
        image=template.image,
        root=template.runner.root,
        data=template.data,
        control=folders.control,
        output=folders.output,
        log=folders.log,
        cpus=cpus,
        memory=limits.memory,
        timeout=limits.timeout,
        variables=template.variables,
        gpu=template.gpu,
    )


class WarmProcess:
    """A process that imports TensorFlow once and forks a child per run, also side by side.

    It may be asked for `runs` runs, at most `slots` at the same time. `close` ends it and
    whatever still runs in it.
    """

    def __init__(
        self,
        template: ProcessTemplate,
        cpus: tuple[int, ...],
        limits: Limits,
        *,
        runs: int,
        slots: int,
    ) -> None:
        self._limits = limits
        self._numbers = iter(range(1, 10**9))
        self._failure: Exception | None = None
        self._outcome: Outcome | None = None
        self._ended = threading.Event()
        self._cleanup = ExitStack()
        self._folders = self._cleanup.enter_context(exchange_folders.opened())
        for name in (exchange.REQUESTS, exchange.WAKEUPS):
            exchange_folders.make_readable(self._folders.control / name)
        self._wakeup = str(self._folders.control / exchange.WAKEUP)
        wakeup.create(self._wakeup)
        # The children's limits are the runner's to enforce; these hold even if it fails to.
        whole = Limits(timeout=limits.timeout * (runs + 1), memory=limits.memory * (slots + 1))
        order = _order(template, self._folders, cpus, whole)
        own = (template.engine, order)
        self._thread = threading.Thread(target=self._live, args=own, daemon=True)
        self._thread.start()

    def _live(self, engine: Engine, order: Order) -> None:
        try:
            self._outcome = engine.run(order)
        except Exception as error:
            self._failure = error
        finally:
            self._ended.set()

    def close(self) -> None:
        """End the process and remove its exchange folder."""
        (self._folders.control / exchange.STOP).touch()
        wakeup.notify(self._wakeup)
        self._thread.join()
        self._cleanup.close()

    @property
    def alive(self) -> bool:
        """Whether it can take another run."""
        return not self._ended.is_set()

    def wait_ready(self) -> None:
        """Wait until the import is over, or the process has ended without it."""
        ready = self._folders.output / exchange.READY
        while self.alive and not os.path.lexists(ready):
            time.sleep(_IMPORT_POLL_SECONDS)

    @cached_property
    def confines(self) -> bool:
        """Whether it keeps its runs from each other's files; asked once, before the first run."""
        return replies.read_confines(self._folders.output)

    @contextmanager
    def forked(self, request: Mapping[str, Any], cpus: tuple[int, ...]) -> Iterator[Ending]:
        """The run in a child of this process. Its files are there within the `with` block.

        Raises:
            EngineError: the engine failed while the run was under way.
        """
        name = f"{next(self._numbers):06d}"
        control, output = self._folders.control, self._folders.output
        with exchange_folders.wakeups(control / exchange.WAKEUPS / name) as waiter:
            request = _limited(request, cpus, self._limits)
            write_json(control / exchange.REQUESTS / f"{name}.json", request)
            wakeup.notify(self._wakeup)
            outcome, complaint = self._wait(name, waiter)
        with _entered(output, exchange.RUNS, name) as folder:
            log = untrusted.tail(folder / exchange.LOG) or untrusted.tail(self._folders.log)
            yield _ending(outcome, folder, log, "forked", cpus, complaint)

    def _wait(self, name: str, waiter: wakeup.Waiter) -> tuple[Outcome, str]:
        """How the run ended, and what is wrong with the runner's account of it."""
        ending = self._folders.output / exchange.ENDINGS / f"{name}.json"
        started = time.monotonic()
        while not os.path.lexists(ending):
            if not self.alive and not os.path.lexists(ending):
                return self._ended_early(time.monotonic() - started), ""
            waiter.wait(_ENDING_POLL_SECONDS)
        with _entered(self._folders.output, exchange.ENDINGS) as endings:
            return replies.read_ending(endings / ending.name, time.monotonic() - started)

    def _ended_early(self, seconds: float) -> Outcome:
        """The whole process is gone, and the run with it."""
        if isinstance(self._failure, EngineError):
            raise self._failure
        if self._outcome is None:
            raise EngineError(f"the engine failed: {self._failure!r}") from self._failure
        if self._outcome.exit_code == 0:
            # It believed its host gone, or was told to stop, while a run was under way.
            return Outcome(cause="killed", exit_code=0, seconds=seconds)
        outcome = dataclasses.replace(self._outcome, seconds=seconds)
        crashed = outcome.cause == outcomes.cause(outcome.exit_code) == "exited"
        if crashed and os.path.lexists(self._folders.output / exchange.READY):
            # Another run may have ended it; this one did not show that it ends like that.
            reason = "the process that it was forked from ended"
            return dataclasses.replace(outcome, cause="killed", reason=reason)
        return outcome
