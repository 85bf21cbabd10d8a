"""Build contexts as a stream of tar bytes: the same files give the same bytes, and a context of a
gigabyte is never held in memory."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

CHUNK_BYTES = 2**20
MODIFIED = 315532800
"""1980-01-01: the oldest time that every archive format can hold."""


def stream(files: Mapping[str, bytes], folders: Mapping[str, Path]) -> Iterator[bytes]:
    """The tar archive of `files` (name to content) and `folders` (name to folder), sorted.

    Owners, times and all permissions but "executable" are the same everywhere.
    """
    for name, content in sorted(files.items()):
        yield _header(name, tarfile.REGTYPE, 0o644, len(content))
        yield _padded(content)
    for name, folder in sorted(folders.items()):
        yield _header(name, tarfile.DIRTYPE, 0o755)
        for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).parts):
            yield from _entry(f"{name}/{path.relative_to(folder).as_posix()}", path)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _entry(name: str, path: Path) -> Iterator[bytes]:
    if path.is_symlink():
        yield _header(name, tarfile.SYMTYPE, 0o777, target=str(path.readlink()))
    elif path.is_dir():
        yield _header(name, tarfile.DIRTYPE, 0o755)
    else:
        status = path.stat()
        mode = 0o755 if status.st_mode & 0o100 else 0o644
        yield _header(name, tarfile.REGTYPE, mode, status.st_size)
        yield from _content(path)


def _content(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield _padded(chunk)


def _padded(content: bytes) -> bytes:
    # A whole chunk is a multiple of the block size, so only a file's last chunk is padded.
    return content + bytes(-len(content) % tarfile.BLOCKSIZE)


def _header(name: str, kind: bytes, mode: int, size: int = 0, target: str = "") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.size, info.mtime, info.linkname = kind, mode, size, MODIFIED, target
    return info.tobuf(format=tarfile.GNU_FORMAT)
