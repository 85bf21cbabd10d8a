"""Locks beside the records they belong to: `DIR/<matrix>/locks/*.txt`, found by their digest.

A record names its lock by digest only. With the file beside it, results say by themselves what was
installed, on any machine and at any time. The names of the files are for people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from harness.errors import RecordError
from harness.results import durable

FOLDER = "locks"

MAX_BYTES = 4 << 20
"""A lock is some kilobytes; what is larger than this is none, and is not read."""


def folder_of(matrix: Path) -> Path:
    """The folder with the locks of one matrix's results."""
    return matrix / FOLDER


def keep(content: bytes, name: str, folder: Path, *, partial: Path) -> Path:
    """Have a lock with this content in `folder`, under `name` unless another one has that name.

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
        durable.write(path, [content], partial=partial)
    except OSError as error:
        raise RecordError(f"{folder}: a lock cannot be kept: {error.strerror}") from error
    return path


def by_digest(folders: Iterable[Path]) -> dict[str, Path]:
    """Every `.txt` file in the folders by the SHA-256 of its bytes; the first of equal ones wins.

    Folders that do not exist hold none.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.txt")) if folder.is_dir() else ():
            if path.is_file() and path.stat().st_size <= MAX_BYTES:
                found.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), path)
    return found
