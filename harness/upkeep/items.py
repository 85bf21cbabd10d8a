"""What may be removed, as plain values, and removing it without ever following it elsewhere."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal[
    "image", "environment", "wheels", "runner", "blobs", "container", "process", "mount", "folder"
]
Inode = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One thing that nothing needs. `size` is what it takes on the disk in bytes.

    `paths` are its files and folders on this host; files may be shared with others (`freed`).
    `disputed` says that it may be somebody's: no registered folder vouches that nobody needs it.
    `remove` returns why it was kept after all, None where it is gone.
    """

    kind: Kind
    name: str
    size: int
    why: str
    paths: tuple[Path, ...] = ()
    disputed: bool = False
    remove: Callable[[], str | None]


def of_folder(kind: Kind, path: Path, why: str, name: str = "", *, disputed: bool = False) -> Item:
    """The item of a folder or file in the cache or in a temporary folder."""
    return Item(
        kind=kind,
        disputed=disputed,
        name=name or str(path),
        size=taken(path),
        why=why,
        paths=(path,),
        remove=lambda: remove_tree(path),
    )


def freed(items: Sequence[Item]) -> int:
    """The bytes that removing all of them sets free: files linked from elsewhere stay."""
    elsewhere = sum(item.size for item in items if not item.paths)
    return elsewhere + _unlinked([path for item in items for path in item.paths])


def _unlinked(paths: Sequence[Path]) -> int:
    seen: dict[Inode, tuple[int, int, int]] = {}
    for status in _files(paths):
        links, _, _ = seen.get((status.st_dev, status.st_ino), (0, 0, 0))
        seen[status.st_dev, status.st_ino] = (links + 1, status.st_nlink, status.st_blocks * 512)
    return sum(taken for links, in_all, taken in seen.values() if links >= in_all)


def taken(*paths: Path) -> int:
    """The bytes on the disk that the paths take, each file once."""
    return sum(taken_each(paths).values())


def taken_each(paths: Iterable[Path]) -> dict[Path, int]:
    """The same for each path; a file that several share counts for the first."""
    seen: set[Inode] = set()
    found: dict[Path, int] = {}
    for path in paths:
        found[path] = 0
        for status in _files([path]):
            inode = status.st_dev, status.st_ino
            found[path] += 0 if inode in seen else status.st_blocks * 512
            seen.add(inode)
    return found


def remove_tree(path: Path) -> str | None:
    """Remove a folder or file; why not, if it is there still.

    What is mounted below is never emptied.
    """
    below = mounts_below([path])
    if below:
        return f"{below[0]} is mounted there; umount it"
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)
    return "it could not be removed; is it somebody else's?" if os.path.lexists(path) else None


def mounts_below(folders: Iterable[Path]) -> list[Path]:
    """Where something is mounted in or below the folders, the deepest first."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    points = {Path(_unescaped(line.split(" ")[4])) for line in lines}
    resolved = [folder.resolve() for folder in folders]
    found = [p for p in points if any(p.is_relative_to(folder) for folder in resolved)]
    return sorted(found, key=lambda point: len(point.parts), reverse=True)


def readable(size: int) -> str:
    """`1.2 GB`, in powers of 1000 as disks are sold and `df -H` shows them."""
    amount = float(size)
    for unit in ("B", "kB", "MB"):
        if amount < 999.5:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def _unescaped(text: str) -> str:
    """Spaces and the like stand there as octal numbers, see proc(5)."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def _files(paths: Iterable[Path]) -> Iterator[os.stat_result]:
    """The status of each file; not with Path, as there are hundreds of thousands of them."""
    waiting: list[str] = []
    for path in paths:
        try:
            status = path.lstat()
        except OSError:
            continue
        if stat.S_ISDIR(status.st_mode):
            waiting.append(os.fspath(path))
        else:
            yield status
    while waiting:
        yield from _files_in(waiting.pop(), waiting)


def _files_in(folder: str, waiting: list[str]) -> Iterator[os.stat_result]:
    # What is somebody else's, or gone meanwhile, is left out.
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            else:
                yield entry.stat(follow_symlinks=False)
