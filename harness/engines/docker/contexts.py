"""Tar archives as streams of bytes: the same files give the same bytes, and an archive of a
gigabyte is never held in memory."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

CHUNK_BYTES = 2**20
MODIFIED = 315532800
"""1980-01-01: the oldest time that every archive format can hold."""

END = bytes(2 * tarfile.BLOCKSIZE)
"""What an archive ends with."""


def stream(files: Mapping[str, bytes], folders: Mapping[str, Path]) -> Iterator[bytes]:
    """The tar archive of `files` (name to content) and `folders` (name to folder), sorted.

    Owners, times and all permissions but "executable" are the same everywhere.
    """
    yield from _gathered(_pieces(files, folders))


def length(folders: Mapping[str, Path]) -> int:
    """How many bytes the archive of these folders has; no file is opened for it."""
    total = len(END)
    for name, path in _entries(folders):
        total += len(_header_of(name, path)) + (_padded_size(path) if _is_file(path) else 0)
    return total


def file(name: str, size: int, content: Iterator[bytes]) -> Iterator[bytes]:
    """One file of an archive whose content comes in pieces, `size` bytes in all."""
    yield _header(name, tarfile.REGTYPE, 0o644, size)
    yield from content
    yield bytes(-size % tarfile.BLOCKSIZE)


def _pieces(files: Mapping[str, bytes], folders: Mapping[str, Path]) -> Iterator[bytes]:
    for name, content in sorted(files.items()):
        yield from file(name, len(content), iter([content]))
    for name, path in _entries(folders):
        yield _header_of(name, path)
        if _is_file(path):
            yield from _content(path)
    yield END


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer pieces: each costs the sender a system call or two."""
    waiting = bytearray()
    for piece in pieces:
        if len(waiting) + len(piece) > CHUNK_BYTES:
            yield bytes(waiting)
            waiting.clear()
        waiting += piece
    yield bytes(waiting)


def _entries(folders: Mapping[str, Path]) -> Iterator[tuple[str, Path]]:
    """The name in the archive of each folder and of everything below it, in order."""
    for name, folder in sorted(folders.items()):
        yield name, folder
        for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).parts):
            yield f"{name}/{path.relative_to(folder).as_posix()}", path


def _is_file(path: Path) -> bool:
    return not path.is_symlink() and not path.is_dir()


def _header_of(name: str, path: Path) -> bytes:
    if path.is_symlink():
        return _header(name, tarfile.SYMTYPE, 0o777, target=str(path.readlink()))
    if path.is_dir():
        return _header(name, tarfile.DIRTYPE, 0o755)
    status = path.stat()
    mode = 0o755 if status.st_mode & 0o100 else 0o644
    return _header(name, tarfile.REGTYPE, mode, status.st_size)


def _padded_size(path: Path) -> int:
    size = path.stat().st_size
    return size + -size % tarfile.BLOCKSIZE


def _content(path: Path) -> Iterator[bytes]:
    with path.open("rb") as opened:
        while chunk := opened.read(CHUNK_BYTES):
            # A whole chunk is a multiple of the block size, so only a file's last one is padded.
            yield chunk + bytes(-len(chunk) % tarfile.BLOCKSIZE)


def _header(name: str, kind: bytes, mode: int, size: int = 0, target: str = "") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.size, info.mtime, info.linkname = kind, mode, size, MODIFIED, target
    return info.tobuf(format=tarfile.GNU_FORMAT)
