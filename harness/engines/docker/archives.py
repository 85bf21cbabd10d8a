"""Tar archives as streams of bytes: the same files give the same bytes, and an archive of a
gigabyte is never kept in memory."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CHUNK_BYTES = 2**20
MODIFIED = 315532800
"""1980-01-01: the oldest time that every archive format can hold."""

_END = bytes(2 * tarfile.BLOCKSIZE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One member of an archive; `content` is what a file holds, or where that is to be read."""

    header: bytes
    size: int = 0
    content: bytes | str = b""


def entries(files: Mapping[str, bytes], folders: Mapping[str, Path]) -> list[Entry]:
    """The members of an archive of files, by name their content, and folders, by name; sorted.

    Owners, times and all permissions but "executable" are the same everywhere.
    """
    made = [
        Entry(header=header(name, size=len(content)), size=len(content), content=content)
        for name, content in sorted(files.items())
    ]
    for name, folder in sorted(folders.items()):
        made.append(Entry(header=header(name, tarfile.DIRTYPE, 0o755)))
        made += _below(name, str(folder))
    return made


def length(members: Sequence[Entry]) -> int:
    """How many bytes an archive of these members has; no file is opened for it."""
    return sum(len(one.header) + one.size + _padding(one.size) for one in members) + len(_END)


def stream(members: Sequence[Entry]) -> Iterator[bytes]:
    """The archive of these members, in pieces of at most `CHUNK_BYTES`.

    Small pieces are put together: each costs the sender some system calls.
    """
    waiting: list[bytes] = []
    size = 0
    for piece in _pieces(members):
        if size + len(piece) > CHUNK_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
        waiting.append(piece)
        size += len(piece)
    yield b"".join(waiting)


def header(
    name: str, kind: bytes = tarfile.REGTYPE, mode: int = 0o644, *, size: int = 0, target: str = ""
) -> bytes:
    """What stands before the content of a member."""
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.size, info.mtime, info.linkname = kind, mode, size, MODIFIED, target
    return info.tobuf(format=tarfile.GNU_FORMAT)


def padded(size: int, content: Iterator[bytes]) -> Iterator[bytes]:
    """The content of a file that comes in pieces, `size` bytes in all, as it stands in archives."""
    yield from content
    # Nothing is no piece: an empty one would end what is sent in pieces.
    if _padding(size):
        yield bytes(_padding(size))


def _below(name: str, folder: str) -> Iterator[Entry]:
    # Texts, not paths: there are tens of thousands.
    with os.scandir(folder) as found:
        inside = sorted(found, key=lambda entry: entry.name)
    for entry in inside:
        inner = f"{name}/{entry.name}"
        if entry.is_symlink():
            target = os.readlink(entry.path)  # noqa: PTH115
            yield Entry(header=header(inner, tarfile.SYMTYPE, 0o777, target=target))
        elif entry.is_dir():
            yield Entry(header=header(inner, tarfile.DIRTYPE, 0o755))
            yield from _below(inner, entry.path)
        else:
            status = entry.stat()
            mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
            size = status.st_size
            yield Entry(header=header(inner, mode=mode, size=size), size=size, content=entry.path)


def _pieces(members: Sequence[Entry]) -> Iterator[bytes]:
    for member in members:
        yield member.header
        if isinstance(member.content, bytes):
            yield member.content
        else:
            yield from _read(member.content)
        yield bytes(_padding(member.size))
    yield _END


def _read(path: str) -> Iterator[bytes]:
    with Path(path).open("rb", buffering=0) as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _padding(size: int) -> int:
    return -size % tarfile.BLOCKSIZE
