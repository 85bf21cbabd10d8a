"""Files that appear whole or not at all, and stay when the power goes.

Everything is written to a temporary file in a folder `.partial` first, flushed to the disk and
then renamed. What a killed process leaves there is never read, and `clear` removes it.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

PARTIAL = ".partial"

_CHUNK = 1 << 20


def write(
    path: Path,
    chunks: Iterable[bytes],
    *,
    partial: Path,
    make_way: Callable[[], object] | None = None,
    keep_equal: bool = False,
) -> None:
    """Replace `path` by the joined `chunks`; `partial` is on the same file system.

    `make_way` is called when everything is on the disk and only the renaming is left. With
    `keep_equal` a file that holds these very bytes is left as it is, its times too.
    """
    with _temporary(partial) as (file, temporary):
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        if keep_equal and path.is_file() and filecmp.cmp(path, temporary, shallow=False):
            return
        os.fsync(file.fileno())
        make_folder(path.parent)
        if make_way is not None:
            make_way()
        temporary.replace(path)
    sync_folder(path.parent)


def copy(source: IO[bytes], path: Path, *, partial: Path) -> None:
    """Replace `path` by what `source` holds from here to its end."""
    write(path, iter(lambda: source.read(_CHUNK), b""), partial=partial)


@contextmanager
def _temporary(partial: Path) -> Iterator[tuple[IO[bytes], Path]]:
    make_folder(partial)
    handle, name = tempfile.mkstemp(dir=partial)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            # mkstemp makes files that only their owner can read; results are to be shared.
            os.fchmod(handle, 0o644)
            yield file, temporary
    finally:
        temporary.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, on the disk as well as in the cache."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk: a rename is only lasting after that."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def clear(partial: Path) -> None:
    """Remove what killed processes left. Call it only while nothing is being written there."""
    shutil.rmtree(partial, ignore_errors=True)
