"""Who uses the cache: a registry of folders, with all that each has ever named.

Cleaning keeps what they name today, wherever it is started. What a folder once named, and does not
name any more, nobody needs; what no folder ever named may be anybody's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from harness import places
from harness.environments.lock import Lock
from harness.protocol import files, untrusted

SCHEMA = 1
NAME = "users.json"

Kind = Literal["locks", "results"]
Names = dict[Path, frozenset[str]]

_LARGEST_BYTES = 256 << 20


@dataclass(frozen=True, kw_only=True)
class Users:
    """Folders of locks, and folders of the results of a matrix, each with what it has named."""

    locks: Names = field(default_factory=dict)
    results: Names = field(default_factory=dict)


def note_lock(lock: Lock, *more: str) -> None:
    """Note that the folder with this lock uses the cache, for what the lock names and for `more`.

    Raises:
        UsageError, BuildError: the cache cannot be written.
    """
    _note("locks", lock.path.absolute().parent, {*names_of(lock), *more})


def note_results(folder: Path, lock: Lock) -> None:
    """Note that records in this folder, the results of a matrix, will name this lock.

    Raises:
        UsageError, BuildError: the cache cannot be written.
    """
    _note("results", folder.absolute(), names_of(lock))


def names_of(lock: Lock) -> set[str]:
    """What a lock names: itself and its files by digest, its packages by name."""
    files = (package.sha256 for package in lock.packages)
    return {lock.sha256, *files, *(package.name for package in lock.packages)}


def read() -> Users:
    """The registry; what cannot be read knows of nobody."""
    found = _read(places.cache() / NAME)
    return Users(locks=_folders(found["locks"]), results=_folders(found["results"]))


def _folders(found: dict[str, list[str]]) -> Names:
    return {Path(folder): frozenset(names) for folder, names in found.items()}


def _note(kind: Kind, folder: Path, names: Iterable[str]) -> None:
    path, wanted = places.cache() / NAME, set(names)
    if wanted <= set(_read(path)[kind].get(str(folder), ())):
        return
    with places.written(path), FileLock(path.with_suffix(".lock")):
        content = _read(path)
        noted = {*content[kind].get(str(folder), ()), *wanted}
        content[kind][str(folder)] = sorted(noted)
        files.write_json(path, {"schema": SCHEMA, **{str(key): content[key] for key in content}})


def _read(path: Path) -> dict[Kind, dict[str, list[str]]]:
    try:
        found: Any = json.loads(untrusted.read_regular(path, _LARGEST_BYTES))
        if found["schema"] == SCHEMA:
            return {"locks": dict(found["locks"]), "results": dict(found["results"])}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return {"locks": {}, "results": {}}
