"""Which engine runs: the one asked for, or the first that can be used here."""

from __future__ import annotations

import importlib

from harness.engines.protocol import Engine, Make
from harness.engines.table import AUTO, ENGINES, NAMES
from harness.errors import EngineError, UsageError


def choose(name: str, *, tidy: bool = True) -> tuple[Engine, str]:
    """The engine of that name, and one sentence on why it is this one.

    `auto` takes the first one of the table that can be used here. `tidy` removes what a killed
    harness left running in it.

    Raises:
        EngineError: the engine cannot be used here; the message says what to do.
    """
    if name not in NAMES:
        raise UsageError(f"there is no engine {name!r}; choose one of {', '.join(NAMES)}")
    if name != AUTO:
        return _make(name, tidy), f"{name} was asked for."
    return _first(tidy)


def _first(tidy: bool) -> tuple[Engine, str]:
    refusals: list[str] = []
    for name in ENGINES:
        try:
            engine = _make(name, tidy)
        except EngineError as error:
            # What to do about it is for those who asked for this engine.
            refusals.append(f"{name} cannot be used: {error.problem}")
            continue
        reason = "; ".join(refusals) or f"{engine.describe()['version']} answers here"
        return engine, f"{name}, because {reason}."
    raise EngineError("no engine can be used here: " + "; ".join(refusals))


def _make(name: str, tidy: bool) -> Engine:
    # The client of Docker takes a third of a second to import, and local sweeps do without.
    make: Make = importlib.import_module(ENGINES[name]).make
    return make(tidy=tidy)
