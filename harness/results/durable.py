"""Files that appear whole or not at all, and survive a power cut.

Everything is written to a temporary file in a folder `.partial` first, flushed to the disk and
then renamed. What a killed process leaves there is never read, and `clear` removes it.
"""

from __future__ import annotations

import errno
import filecmp
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from harness.results import regular_files

PARTIAL = ".partial"


def write(
    path: Path,
    chunks: Iterable[bytes],
    *,
    partial: Path,
    top: Path | None = None,
    check: Callable[[Path], object] | None = None,
    keep_equal: bool = False,
) -> None:
    """Replace `path` by the joined `chunks`; `partial` is on the same file system.

    No folder between `top` and the file may be a link. `check` is called with the finished
    temporary file, when only the renaming is left; what it raises stops that. With `keep_equal`
    a file that holds these very bytes is left as it is, its times too.

    Raises:
        OSError: the disk does not take it, or a link lies in the way.
    """
    with _temporary(partial) as (file, temporary):
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        if (
            keep_equal
            and regular_files.is_file(path)
            and filecmp.cmp(path, temporary, shallow=False)
        ):
            return
        os.fsync(file.fileno())
        make_folder(path.parent, top=top)
        if check is not None:
            check(temporary)
        temporary.replace(path)
    sync_folder(path.parent)


@contextmanager
def _temporary(partial: Path) -> Iterator[tuple[IO[bytes], Path]]:
    make_folder(partial, top=partial.parent)
    handle, name = tempfile.mkstemp(dir=partial)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            # mkstemp makes files that only their owner can read; results are to be shared.
            os.fchmod(handle, 0o644)
            yield file, temporary
    finally:
        temporary.unlink(missing_ok=True)


def make_folder(folder: Path, *, top: Path | None = None) -> None:
    """Make a folder and those above it, on the disk as well as in the cache.

    Raises:
        OSError: it cannot be made, or a folder below `top` is a link.
    """
    if top is not None:
        _refuse_links(folder, top)
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def _refuse_links(folder: Path, top: Path) -> None:
    place = top
    for part in folder.relative_to(top).parts:
        place /= part
        if place.is_symlink():
            raise NotADirectoryError(errno.ENOTDIR, f"{place} is a link", str(place))


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to the disk: only then does a rename survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def clear(partial: Path) -> None:
    """Remove what killed processes left. Call it only while nothing is being written there."""
    shutil.rmtree(partial, ignore_errors=True)
