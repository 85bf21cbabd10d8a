"""How uv and pip are called: their command lines start here, free of what a shell may have set.

Settings of the person's shell that say where packages come from (indexes, proxies, certificates)
are kept; those that would change which packages are chosen, or how, are not.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import uv

from harness import places, processes
from harness.errors import EngineError

_OURS = re.compile(r"^(UV|PIP|PYTHON|VIRTUAL_ENV|CONDA)")
_KEPT = re.compile(
    r"^(UV_(DEFAULT_INDEX|INDEX.*|EXTRA_INDEX_URL|FIND_LINKS|INSECURE_HOST|KEYRING_PROVIDER|OFFLINE"
    r"|NATIVE_TLS|SYSTEM_CERTS|HTTP_.*|REQUEST_TIMEOUT|CONCURRENT_.*)"
    r"|PIP_(INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|CERT|CLIENT_CERT|PROXY|TRUSTED_HOST"
    r"|KEYRING_PROVIDER|CONFIG_FILE|RETRIES|TIMEOUT|DEFAULT_TIMEOUT))$"
)
_UNREACHABLE = re.compile(
    r"error sending request|dns error|name resolution|Name or service not known|Connection refused"
    r"|Network is unreachable|Connection timed out|NewConnectionError|ConnectTimeout"
    r"|Network connectivity is disabled|Read timed out",
    re.IGNORECASE,
)
_DISK_FULL = re.compile(r"No space left on device|os error 28|Disk quota exceeded", re.IGNORECASE)
SHOWN_LINES = 12
_REINSTALL = f"install it again: {sys.executable} -m pip install --force-reinstall uv"


def uv_command(*arguments: str) -> list[str]:
    """The command line of the uv this program depends on, with its cache beside ours."""
    common = ("--cache-dir", str(places.cache("uv")), "--no-python-downloads", "--no-progress")
    return [uv_program(), *arguments, *common, "--color", "never"]


def uv_program() -> str:
    """The uv that this program depends on.

    Raises:
        EngineError: it is not where its package put it.
    """
    try:
        return uv.find_uv_bin()
    except FileNotFoundError as error:
        raise EngineError("uv is not where it was installed", remedy=_REINSTALL) from error


def pip_command(*arguments: str) -> list[str]:
    """The command line of the pip of this interpreter; it never caches and never asks."""
    common = ("--no-cache-dir", "--no-input", "--disable-pip-version-check", "--no-color")
    return [sys.executable, "-m", "pip", *arguments, *common, "--progress-bar", "off"]


def variables(more: Mapping[str, str]) -> dict[str, str]:
    """The environment for uv and pip; `more` is added to it."""
    passed = {k: v for k, v in os.environ.items() if not _OURS.match(k) or _KEPT.match(k)}
    return {**passed, "LC_ALL": "C.UTF-8", **more}


def unreachable(output: str) -> bool:
    """Whether the package index could not be reached, from what uv or pip printed."""
    return _UNREACHABLE.search(output) is not None


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """`places.written`, also where a command that is run inside fails for want of space.

    Raises:
        UsageError, BuildError: as `places.written`.
    """
    try:
        with places.written(folder):
            yield
    except processes.ProcessFailedError as failure:
        if _DISK_FULL.search(failure.output):
            raise places.full(folder) from failure
        raise


def explanation(output: str, *, lines: int = SHOWN_LINES) -> str:
    """What a failed command said about the cause, shortened: errors first, then the end."""
    said = list(_without_traceback(line.rstrip() for line in output.splitlines() if line.strip()))
    start = next((n for n, line in enumerate(said) if _is_error(line)), max(len(said) - lines, 0))
    return "\n".join(said[start : start + lines])


def _without_traceback(lines: Iterable[str]) -> Iterator[str]:
    """Of a traceback only the last line, which says what happened."""
    inside = False
    for line in lines:
        inside = line.startswith("Traceback ") or (inside and line.startswith(" "))
        if not inside:
            yield line


def _is_error(line: str) -> bool:
    return line.lstrip(" ×").lower().startswith(("error", "no solution found"))


def run(
    command: Sequence[str],
    more: Mapping[str, str] | None = None,
    *,
    cwd: Path | None = None,
    filled: Path | None = None,
) -> str:
    """Run uv or pip in `variables(more)` and return what it printed to standard output.

    Raises:
        processes.ProcessFailedError: it failed.
        UsageError, BuildError: the cache cannot be written, or the disk is full.
    """
    with writing(filled or places.cache()):
        return processes.run(command, variables=variables(more or {}), cwd=cwd)
