"""A script's folder as one tar file: the same folder gives the same bytes.

What is read may be anybody's. It has regular files below the folder only, no links, each once, and
no more and no larger ones than a script's folder may have; anything else is refused.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from harness.subjects import folder_files
from harness.subjects.folder_files import File

_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE)
_AROUND = 4096
"""Bytes around a file at most, its name apart: headers, and what fills up blocks."""

MAX_BYTES = folder_files.MAX_BYTES + folder_files.MAX_FILES * (_AROUND + 8192)
"""No archive of a script's folder is larger."""

_BROKEN = (
    *(ValueError, ArithmeticError, EOFError, tarfile.TarError),
    # RuntimeError: headers that go on in headers, without end.
    *(RuntimeError, KeyError, IndexError),
)
"""What `tarfile` raises for archives that are damaged or made up."""


def pack(folder: Path, target: Path) -> None:
    """Write the archive of a folder that holds nothing but the files of a script.

    Raises:
        OSError: something cannot be read or written.
    """
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for path in folder_files.everything(folder):
            with (folder / path).open("rb") as file:
                entry = tarfile.TarInfo(path)
                status = os.fstat(file.fileno())
                entry.size, entry.mode = status.st_size, 0o755 if status.st_mode & 0o100 else 0o644
                archive.addfile(entry, file)


def digest_of(file: IO[bytes], limit: int = MAX_BYTES) -> str:
    """The digest of the folder (see `folder_files`) whose archive this open file is.

    Raises:
        ValueError: it is none, or has more than `limit` bytes.
        OSError: it cannot be read.
    """
    with _entries(file, limit) as entries:
        return folder_files.digest(
            File(path=entry.name, executable=_executable(entry), sha256=_sha256(content))
            for entry, content in entries
        )


def unpack(file: IO[bytes], folder: Path) -> None:
    """Make the folder, which is not there yet, from its archive.

    Raises:
        ValueError: it is none.
        OSError: it cannot be read, or the folder not be written.
    """
    folder.mkdir()
    with _entries(file, MAX_BYTES) as entries:
        for entry, content in entries:
            target = folder / entry.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as written:
                shutil.copyfileobj(content, written)
            target.chmod(0o755 if _executable(entry) else 0o644)


def size_of(folder: Path) -> int:
    """How many bytes the archive of a folder has at most, found without making it.

    Raises:
        OSError: a file cannot be read.
        UsageError: a folder in it cannot be read.
    """
    paths = folder_files.everything(folder)
    return 3 * _AROUND + sum((folder / path).lstat().st_size + _around(path) for path in paths)


def _around(path: str) -> int:
    return _AROUND + 2 * len(path.encode("utf-8"))


@contextmanager
def _entries(file: IO[bytes], limit: int) -> Iterator[Iterator[tuple[tarfile.TarInfo, IO[bytes]]]]:
    """The files in an archive with their content, each to be read before the next one is."""
    if os.fstat(file.fileno()).st_size > limit:
        raise ValueError(f"larger than {limit >> 20} MiB")
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            yield _checked(archive)
    except _BROKEN as error:
        raise ValueError(str(error) or "damaged") from error


def _checked(archive: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    seen: set[str] = set()
    total = 0
    for entry in archive:
        _check_entry(entry)
        total += entry.size
        if entry.name in seen:
            raise ValueError(f"{entry.name!r} is there twice")
        if len(seen) == folder_files.MAX_FILES:
            raise ValueError(f"it has more than {folder_files.MAX_FILES:,} files")
        if total > folder_files.MAX_BYTES:
            raise ValueError(f"its files have more than {folder_files.MAX_BYTES >> 20} MiB")
        seen.add(entry.name)
        content = archive.extractfile(entry)
        if content is None:
            raise ValueError(f"{entry.name!r} has no content")
        yield entry, content


def _check_entry(entry: tarfile.TarInfo) -> None:
    """Refuse whatever is not a plain file below the folder, under its plain name."""
    path = PurePosixPath(entry.name)
    is_plain = not path.is_absolute() and ".." not in path.parts and path.as_posix() == entry.name
    if not is_plain or not path.name or "\0" in entry.name:
        raise ValueError(f"{entry.name!r} could lie outside of the folder")
    if entry.type not in _FILES or entry.sparse is not None or entry.size < 0:
        raise ValueError(f"{entry.name!r} is no regular file")
    entry.name.encode("utf-8")


def _executable(entry: tarfile.TarInfo) -> bool:
    return bool(entry.mode & 0o100)


def _sha256(content: IO[bytes]) -> str:
    found = hashlib.sha256()
    while chunk := content.read(1 << 20):
        found.update(chunk)
    return found.hexdigest()
