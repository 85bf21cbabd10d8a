"""The Python interpreter a virtual environment stands on: found here, or fetched by uv."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from packaging.version import Version

from harness import processes
from harness.environments import commands
from harness.errors import BuildError, EngineError
from harness.processes import ProcessFailedError

_PROBE = """
import json, platform, sys
print(json.dumps({"implementation": sys.implementation.name,
                  "minor": "%d.%d" % sys.version_info[:2], "machine": platform.machine(),
                  "full": " ".join(sys.version.split())}))
"""
_PASSED_ON = ("UV_PYTHON_INSTALL_DIR", "UV_PYTHON_INSTALL_MIRROR", "UV_PYTHON_DOWNLOADS_JSON_URL")


@dataclass(frozen=True, kw_only=True)
class Interpreter:
    """A CPython that starts. `build` is what `sys.version` says: version, build and compiler."""

    path: Path
    build: str

    @property
    def description(self) -> str:
        """As records name it: the same on two machines with the same build."""
        return f"CPython {self.build}"


_PRESENT: dict[tuple[str, frozenset[tuple[str, str]]], Interpreter] = {}


def find(python: str) -> Interpreter:
    """An interpreter of this minor version ("3.10").

    First what uv knows (its own, then the system's), then pyenv's, newest first; what is not
    there is fetched by uv.

    Raises:
        BuildError: there is none, and uv cannot fetch one.
    """
    return present(python) or _fetched(python)


def present(python: str) -> Interpreter | None:
    """The interpreter that `find` would give, None if it would have to be fetched.

    One that was found stands until the environment variables say otherwise or it is gone.
    """
    asked = (python, frozenset(os.environ.items()))
    before = _PRESENT.get(asked)
    if before is not None and before.path.exists():
        return before
    for path in chain(_known_to_uv(python), _of_pyenv(python)):
        found = probe(path, python)
        if found is not None:
            _PRESENT[asked] = found
            return found
    return None


def probe(path: Path, python: str) -> Interpreter | None:
    """The interpreter at `path` if it starts and is an x86-64 CPython of that minor version."""
    try:
        said = json.loads(processes.run([str(path), "-I", "-c", _PROBE], variables={}))
    except (ProcessFailedError, ValueError):
        return None
    wanted = {"implementation": "cpython", "minor": python, "machine": "x86_64"}
    if any(said[name] != value for name, value in wanted.items()):
        return None
    # Without links, so that pyenv's and uv's own renaming of them does not change what is meant.
    return Interpreter(path=path.resolve(), build=said["full"])


def _known_to_uv(python: str) -> Iterator[Path]:
    try:
        said = _uv("find", "--system", "--no-project", "--no-python-downloads", python)
    except (ProcessFailedError, EngineError):
        # Without uv there may still be pyenv's.
        return
    yield Path(said.strip())


def _of_pyenv(python: str) -> Iterator[Path]:
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    try:
        names = [path.name for path in (root / "versions").iterdir()]
    except OSError:
        # No pyenv, or somebody else's.
        return
    releases = [name for name in names if re.fullmatch(rf"{re.escape(python)}\.\d+", name)]
    for name in sorted(releases, key=Version, reverse=True):
        yield root / "versions" / name / "bin" / "python"


def _fetched(python: str) -> Interpreter:
    try:
        _uv("install", "--no-bin", python)
    except ProcessFailedError as failure:
        raise BuildError(_absent(python, commands.explanation(failure.output))) from failure
    found = [probe(path, python) for path in _known_to_uv(python)]
    if not found or found[0] is None:
        raise BuildError(_absent(python, "uv fetched one, and it does not start"))
    return found[0]


def _absent(python: str, reason: str) -> str:
    return (
        f"no Python {python} on this machine, and uv cannot fetch one: {reason}\n"
        f"Install it (`uv python install {python}`, `pyenv install {python}`, or the system's"
        f" package python{python}), or use --engine docker."
    )


def _uv(*arguments: str) -> str:
    """Run `uv python`, without pyenv's shims: one that leads nowhere makes uv give up."""
    parts = os.environ.get("PATH", os.defpath).split(os.pathsep)
    path = os.pathsep.join(part for part in parts if Path(part).name != "shims")
    more = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    command = [commands.uv_program(), "python", *arguments, "--no-config", "--color", "never"]
    return processes.run(command, variables=commands.variables({"PATH": path, **more}))
