"""What a file or folder is, so that a command which cannot use it names the one that can."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

from harness.errors import HarnessError, UsageError
from harness.protocol import untrusted
from harness.publish.bundle import manifest
from harness.results import scan

Kind = Literal[
    "matrix file",
    "results folder",
    "bundle",
    "script",
    "job or record",
    "attestation",
    "other",
]

_ZIP = b"PK\x03\x04"
_ATTESTATION = re.compile(rb'\s*\{\s*"(_type"\s*:\s*"https://in-toto\.io/|payload(Type)?"\s*:\s*")')
_FIRST = 200
_BY_SUFFIX: Mapping[str, Kind] = {
    ".yaml": "matrix file",
    ".yml": "matrix file",
    ".py": "script",
    ".json": "job or record",
}
_REMEDIES: Mapping[Kind, str] = {
    "matrix file": "harness run {path} makes results of it",
    "results folder": "harness table {path} prints it; the matrix file is what runs",
    "bundle": "harness verify {path} runs it here, harness table {path} prints it",
    "script": "harness diagnose {path} runs it",
    "attestation": "harness check {path} says what it attests, and who signed it",
    "job or record": "harness job {path} carries out a job; of records, name the results folder",
}


def kind_of(path: Path) -> Kind | None:
    """What lies at `path`, by its first bytes, its name or what is in it; None for nothing."""
    if path.is_dir():
        return _kind_of_folder(path)
    if not path.exists():
        return None
    with suppress(OSError), untrusted.open_regular(path, follow_links=True) as file:
        first = file.read(_FIRST)
        if first.startswith(_ZIP):
            return "bundle"
        if path.suffix == ".json" and _ATTESTATION.match(first):
            return "attestation"
    return _BY_SUFFIX.get(path.suffix, "other")


def _kind_of_folder(folder: Path) -> Kind:
    if (folder / manifest.NAME).is_file():
        return "bundle"
    with suppress(HarnessError, OSError):
        return "results folder" if scan.sweeps(folder) else "other"
    return "other"


def require(path: Path, wanted: Kind, *more: Kind) -> Path:
    """The path, unless it is surely of another kind than these.

    Raises:
        UsageError: it is; the message names the command for it.
    """
    kind = kind_of(path)
    if kind is not None and kind in _REMEDIES and kind not in (wanted, *more):
        remedy = _REMEDIES[kind].format(path=shlex.quote(str(path)))
        raise UsageError(
            f"{path}: is {_named(kind)}, and this takes {_either(wanted, *more)}; {remedy}"
        )
    return path


def _either(*kinds: Kind) -> str:
    return " or ".join(map(_named, kinds))


def _named(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def checked(wanted: Kind, *more: Kind) -> Callable[[Path | None], Path | None]:
    """`require` as an argument's callback; an argument that was not given is none of its."""
    return lambda path: None if path is None else require(Path(path), wanted, *more)


def all_checked(wanted: Kind, *more: Kind) -> Callable[[list[Path]], list[Path]]:
    """The same for an argument that is a list."""
    return lambda paths: [require(Path(path), wanted, *more) for path in paths]
