"""What locks and records refer to: everything else in the caches serves nobody."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import compatibility, trees
from harness.engines.docker import recipes
from harness.engines.local import virtual_environments
from harness.environments import interpreters, locking, users
from harness.environments.lock import Lock
from harness.environments.users import Users
from harness.errors import BuildError, LockError, RecordError, UsageError
from harness.matrix import environment
from harness.matrix.environment import Environment
from harness.protocol import untrusted
from harness.results.names import BLOB_FOLDER

LOCKS = "locks"
_LOCK_FILES = "tf*.txt"
_LARGEST_BYTES = 256 << 20
_DIGEST = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


@dataclass(frozen=True, kw_only=True)
class References:
    """What is referred to. `files` are digests of wheels and sources, `environments` the names of
    virtual environments, `images` names of images, `digests` every digest a record has.

    `packages` are names of packages, `stale` the digests of locks that are there and cannot be
    used now. `accounted` are digests and names that registered folders have used and of which every
    such folder could be looked at: no other can need them. `locks` counts the locks, `records` the
    records looked at in `folders`; `unread` says which locks could not be used and why, `gone`
    which registered folders are gone or empty.
    """

    files: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()
    environments: frozenset[str] = frozenset()
    images: frozenset[str] = frozenset()
    digests: frozenset[str] = frozenset()
    stale: frozenset[str] = frozenset()
    accounted: frozenset[str] = frozenset()
    locks: int = 0
    records: int = 0
    unread: tuple[str, ...] = ()
    folders: tuple[Path, ...] = ()
    gone: tuple[Path, ...] = ()


def lock_folders(places: Sequence[Path]) -> list[Path]:
    """The folders of locks in or beside what is named: matrix files, or folders with them.

    Raises:
        UsageError: there is no such file or folder.
    """
    found: dict[Path, None] = {}
    for place in places:
        if not place.exists():
            raise UsageError(f"{place}: no such file or folder; name folders with matrices")
        beside = place.parent if place.is_file() else place
        for folder in (beside / LOCKS, beside):
            if any(folder.glob(_LOCK_FILES)):
                found[folder.absolute()] = None
    return list(found)


def gather(lock_folders: Iterable[Path], results: Iterable[Path]) -> References:
    """What is referred to by all that ever used the cache, and by these folders besides.

    `lock_folders` have locks in them, `results` records below them.

    Raises:
        RecordError: a record cannot be read, so what it refers to is not known.
        UsageError: a file of bases cannot be used.
    """
    registered = users.read()
    gone = {folder for folder in registered.locks if not any(folder.glob(_LOCK_FILES))}
    gone |= {folder for folder in registered.results if not any(_record_files([folder]))}
    folders = {*registered.locks, *lock_folders}
    paths = sorted(path for folder in folders for path in folder.glob(_LOCK_FILES))
    locks, unread = _read(paths)
    digests, records = of_records([*registered.results, *results])
    # What a stale lock names may be wanted again: it is kept as well.
    named, _ = _digests_in(paths)
    return References(
        files=named | {compatibility.builder()["sha256"]},
        packages=frozenset(package.name for lock in locks for package in lock.packages),
        environments=frozenset(_virtual_environments(locks)),
        images=frozenset(_images(locks)),
        digests=digests,
        accounted=_accounted(registered, gone),
        stale=frozenset(trees.sha256_of(path) for path in unread),
        locks=len(locks),
        records=records,
        unread=tuple(unread.values()),
        folders=tuple(sorted({*folders, *registered.results, *results} - gone)),
        gone=tuple(sorted(gone)),
    )


def _accounted(registered: Users, gone: set[Path]) -> frozenset[str]:
    used: set[str] = set()
    lost: set[str] = set()
    for names in (registered.locks, registered.results):
        for folder, its_names in names.items():
            (lost if folder in gone else used).update(its_names)
    return frozenset(used - lost)


def of_records(results: Iterable[Path]) -> tuple[frozenset[str], int]:
    """Every digest that stands in a record below the folders, and how many records there are.

    Superseded, damaged and older records count too: whatever they name is kept.
    """
    return _digests_in(sorted(set(_record_files(results))))


def _digests_in(paths: Iterable[Path]) -> tuple[frozenset[str], int]:
    digests: set[bytes] = set()
    count = 0
    for path in paths:
        try:
            digests.update(_DIGEST.findall(untrusted.read_regular(path, _LARGEST_BYTES)))
        except OSError as error:
            raise RecordError(
                f"{path}: cannot be read: {error.strerror}; what it refers to is not known, so "
                "nothing is removed: give the right to read it, or move it away"
            ) from error
        count += 1
    return frozenset(digest.decode() for digest in digests), count


def _record_files(results: Iterable[Path]) -> Iterator[Path]:
    for top in results:
        for folder, names, files in os.walk(top):
            names[:] = [name for name in names if name != BLOB_FOLDER]
            yield from (Path(folder, name) for name in files if name.endswith(".json"))


def _read(paths: Iterable[Path]) -> tuple[list[Lock], dict[Path, str]]:
    """The locks, and why the others cannot be used."""
    locks, unread = [], {}
    for path in paths:
        try:
            locks.append(locking.read(path, _environment_of(path)))
        except (ValueError, LockError) as error:
            unread[path] = str(error).partition("\n")[0]
    return locks, unread


def _environment_of(path: Path) -> Environment:
    """The environment that the name of a lock says; of many packages only the lock knows which."""
    try:
        return environment.from_id(path.stem)
    except ValueError:
        return locking.environment_of(path)


def _virtual_environments(locks: Iterable[Lock]) -> Iterator[str]:
    present = {python: interpreters.present(python) for python in _pythons(locks)}
    for lock in locks:
        interpreter = present[lock.environment.python]
        if interpreter is not None:
            yield virtual_environments.digest(lock, interpreter)


def _pythons(locks: Iterable[Lock]) -> list[str]:
    return sorted({lock.environment.python for lock in locks})


def _images(locks: Iterable[Lock]) -> Iterator[str]:
    for lock in locks:
        try:
            wanted = recipes.recipe(lock)
        except BuildError:
            # No base is pinned for it here, so no image of it is current.
            continue
        yield from (wanted.name, wanted.frame)
