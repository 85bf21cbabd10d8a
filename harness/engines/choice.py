"""Which engine runs: the one asked for, or the best that answers here."""

from __future__ import annotations

from harness.engines.local.engine import LocalEngine
from harness.engines.protocol import Engine
from harness.errors import EngineError, UsageError

NAMES = ("auto", "docker", "local")


def choose(name: str, *, tidy: bool = True) -> tuple[Engine, str]:
    """The engine of that name, and one sentence on why it is this one.

    `auto` takes docker where an Engine answers and is new enough, else local. `tidy` removes the
    containers that a killed harness left behind.

    Raises:
        EngineError: docker was asked for, and cannot be used; the message says what to do.
    """
    if name not in NAMES:
        raise UsageError(f"there is no engine {name!r}; choose one of {', '.join(NAMES)}")
    if name == "local":
        return LocalEngine(), "local was asked for."
    if name == "docker":
        return _docker(tidy), "docker was asked for."
    return _best(tidy)


def _best(tidy: bool) -> tuple[Engine, str]:
    try:
        engine = _docker(tidy)
    except EngineError as error:
        # What to do about it, after the semicolon, is for those who asked for docker.
        reason = str(error).partition(";")[0]
        return LocalEngine(), f"local, because docker cannot be used: {reason}."
    return engine, f"docker, because Docker Engine {engine.describe()['version']} answers here."


def _docker(tidy: bool) -> Engine:
    # The client of Docker takes a third of a second to import, and local sweeps do without.
    from harness.engines.docker.connection import connect
    from harness.engines.docker.engine import DockerEngine

    return DockerEngine(connect, tidy=tidy)
