"""Locks beside the records they belong to: `DIR/<matrix>/locks/*.txt`, found by their digest.

A record names its lock by digest only. With the file beside it, results say by themselves what was
installed, on any machine and at any time. The names of the files are for people.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable
from pathlib import Path

from harness.errors import RecordError
from harness.protocol import untrusted
from harness.results import durable, regular_files

FOLDER = "locks"

MAX_BYTES = 4 << 20
"""Locks are some kilobytes; larger files are no locks and are not read."""


def folder_of(matrix: Path) -> Path:
    """The folder with the locks of one matrix's results."""
    return matrix / FOLDER


def store(content: bytes, name: str, folder: Path, *, partial: Path) -> Path:
    """Store a lock with this content in `folder`, under `name` unless another one has that name.

    `partial` is where a sweep on the same disk writes what is unfinished.

    Raises:
        RecordError: it cannot be written.
    """
    try:
        sha256 = hashlib.sha256(content).hexdigest()
        there = by_digest([folder]).get(sha256)
        if there is not None:
            return there
        path = folder / f"{name}.txt"
        path = folder / f"{name}.{sha256[:8]}.txt" if path.exists() else path
        durable.write(path, [content], partial=partial, top=folder.parent.parent)
    except OSError as error:
        raise RecordError(f"{folder}: a lock cannot be written: {error.strerror}") from error
    return path


def by_digest(folders: Iterable[Path], *, follow_links: bool = False) -> dict[str, Path]:
    """Every `.txt` file in the folders by the SHA-256 of its bytes; the first of equal ones wins.

    Folders that do not exist hold none, and files that cannot be read do not count. `follow_links`
    is for folders of the user's own.
    """
    paths: dict[str, Path] = {}
    for folder in folders:
        usable = folder.is_dir() if follow_links else regular_files.is_folder(folder)
        for path in sorted(folder.glob("*.txt")) if usable else ():
            with contextlib.suppress(OSError):
                content = untrusted.read_regular(path, MAX_BYTES, follow_links=follow_links)
                paths.setdefault(hashlib.sha256(content).hexdigest(), path)
    return paths
