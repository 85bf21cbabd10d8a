"""Snapshots of users' scripts on their way to another machine, each named by its digest.

A name is `scripts/SHA256` for a script's folder or `files/SHA256` for a data file, as in the cache.
What arrives is verified before it is put where processes find it.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from harness import places, scratch
from harness.errors import DataError
from harness.protocol import untrusted
from harness.protocol.script import FILES, SCRIPTS, Script
from harness.subjects import data_files, folder_archives, snapshots

_NAME = re.compile(rf"({SCRIPTS}|{FILES})/([0-9a-f]{{64}})")


def names(script: Script) -> list[str]:
    """The names of what a script needs."""
    data = (f"{FILES}/{each.sha256}" for each in script.data)
    return list(dict.fromkeys([f"{SCRIPTS}/{script.folder_sha256}", *data]))


def is_here(name: str) -> bool:
    """Whether this machine has it, as its digest says.

    Raises:
        DataError: it is no such name.
    """
    kind, sha256 = _parts(name)
    place = places.cache("datasets") / name
    if kind == FILES:
        return data_files.has(place, sha256)
    return place.is_dir() and snapshots.is_whole(place, sha256)


@contextmanager
def packed(name: str) -> Iterator[Path]:
    """A file that `unpack` makes it of, for the time of the `with` block.

    Raises:
        DataError: it is no such name.
        OSError: this machine does not have it.
    """
    kind, _ = _parts(name)
    place = places.cache("datasets") / name
    if kind == FILES:
        yield place
        return
    with scratch.folder("snapshot") as folder:
        folder_archives.pack(place, folder / "snapshot.tar")
        yield folder / "snapshot.tar"


def unpack(name: str, source: Path) -> None:
    """Put it where processes find it, unless it is there.

    Raises:
        DataError: it is not what its name says, or cannot be written.
    """
    kind, sha256 = _parts(name)
    root = places.cache("datasets")
    try:
        with filelock.FileLock(root / snapshots.LOCK):
            if is_here(name):
                return
            with snapshots.fresh(root, root / name) as place:
                (_take_folder if kind == SCRIPTS else _take_file)(source, place)
                whole = data_files.has if kind == FILES else snapshots.is_whole
                if not whole(place, sha256):
                    raise DataError(f"{name}: what arrived is something else; run it again")
    except (OSError, ValueError) as error:
        raise DataError(f"{name}: cannot be written to {root}: {error}") from error


def _parts(name: str) -> tuple[str, str]:
    match = _NAME.fullmatch(name)
    if match is None:
        raise DataError(f"{name!r} names no snapshot of a script")
    return match[1], match[2]


def _take_file(source: Path, place: Path) -> None:
    shutil.copyfile(source, place)
    place.chmod(0o644)


def _take_folder(source: Path, place: Path) -> None:
    with untrusted.open_regular(source) as file:
        folder_archives.unpack(file, place)
    snapshots.open_to_all(place)
