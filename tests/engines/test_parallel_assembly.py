"""Several environments side by side: all are tried, and told in order."""

from __future__ import annotations

import threading
from pathlib import Path

from engines.engine_bench import SIX, make_lock

from harness.engines.parallel_assembly import AT_ONCE, assembled
from harness.engines.protocol import Image
from harness.environments.lock import Lock
from harness.errors import BuildError
from harness.matrix.environment import Environment

WANTED = [Environment(python="3.11", tensorflow=f"2.{minor}.0", device="cpu") for minor in range(6)]


def lock(environment: Environment) -> Lock:
    return make_lock(SIX, python=environment.python)


def image(of: Lock) -> Image:
    return Image(engine="local", id="x", reference=str(Path("x")), base="CPython", lock=of)


def test_they_go_side_by_side_and_come_in_order() -> None:
    together = threading.Barrier(AT_ONCE, timeout=30)

    def assemble(of: Lock) -> Image:
        together.wait()
        return image(of)

    found = list(assembled(WANTED, lock, assemble))
    assert [environment for environment, _ in found] == WANTED
    assert all(isinstance(one, Image) for _, one in found)


def test_one_that_cannot_be_had_does_not_stop_the_rest() -> None:
    def some(environment: Environment) -> Lock:
        if environment == WANTED[1]:
            raise BuildError("not this one")
        return lock(environment)

    found = dict(assembled(WANTED, some, image))
    assert str(found.pop(WANTED[1])) == "not this one"
    assert all(isinstance(one, Image) for one in found.values())
