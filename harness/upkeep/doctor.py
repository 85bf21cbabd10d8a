"""All checks of this machine, in the order in which a sweep would meet what they look at."""

from __future__ import annotations

from collections.abc import Iterator

from harness.engines import choice
from harness.engines.local.engine import LocalEngine
from harness.engines.protocol import Engine
from harness.errors import EngineError
from harness.upkeep import engine_checks, room_checks, state_checks
from harness.upkeep.checks import Check, Need


def examine(need: Need) -> Iterator[Check]:
    """Every check. Nothing is made, fetched or removed.

    Raises:
        UsageError: the file that names the bases cannot be used.
    """
    engine = _engine(need)
    yield from engine_checks.docker_engine(need)
    yield from engine_checks.local_engine(need)
    yield from engine_checks.gpu(need, engine)
    yield from room_checks.results(need)
    yield from state_checks.locks(need)
    yield from state_checks.bases(need, engine)
    yield from engine_checks.pythons(need)
    yield from state_checks.wheels(need)
    yield from state_checks.environments(need)
    yield from state_checks.data(need)
    yield from room_checks.disk(need, engine)
    yield from room_checks.memory(need)
    yield from state_checks.caches(need)
    yield from state_checks.published_hardware(need)
    yield from state_checks.clock(need)
    yield from state_checks.leftovers(need)


def _engine(need: Need) -> Engine:
    """The engine that would run; where the one asked for is not here, checks go on without it."""
    try:
        return choice.choose(need.engine, tidy=False)[0]
    except EngineError:
        return LocalEngine()
