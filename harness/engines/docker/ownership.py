"""Who a container runs as, and whose files its exchange folder holds before and after."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import EngineError

NOBODY = 65532
"""The user for whom nothing on the host is writable: root starts containers as this one."""


def user(*, rootless: bool) -> str:
    """UID:GID for a container: never root of the host.

    A rootless engine maps its containers' root to the person who runs it, who is the only one
    that may write to the exchange folder.
    """
    if rootless:
        return "0:0"
    return f"{os.getuid()}:{os.getgid()}" if os.getuid() else f"{NOBODY}:{NOBODY}"


@contextmanager
def lent(exchange: Path) -> Iterator[None]:
    """The exchange folder, writable for the container; afterwards its files are this user's.

    Links and special files a training may have left are removed: whoever reads the exchange
    folder on the host must not be led out of it.
    """
    before = exchange.stat()
    if os.getuid() == 0:
        _chown(exchange, NOBODY, NOBODY)
    try:
        yield
    finally:
        _remove_special(exchange)
        if os.getuid() == 0:
            _chown(exchange, before.st_uid, before.st_gid)


@contextmanager
def lent_folders(top: Path) -> Iterator[None]:
    """Folders in which the container may make files; afterwards those are this user's.

    The files that are there keep their owner: they may be links into a cache.
    """
    if os.getuid():
        yield
        return
    for path in _folders(top):
        os.chown(path, NOBODY, NOBODY)
    try:
        yield
    finally:
        for path in (top, *top.rglob("*")):
            if path.lstat().st_uid == NOBODY:
                os.chown(path, 0, 0, follow_symlinks=False)


def _folders(top: Path) -> list[Path]:
    return [Path(folder) for folder, _, _ in os.walk(top)]


def require_readable(folder: Path) -> None:
    """Make sure that a container of root's, which is not root, can read `folder`.

    Raises:
        EngineError: it cannot.
    """
    if os.getuid() != 0:
        return
    for path in (folder, *folder.rglob("*")):
        mode = path.lstat().st_mode
        wanted = stat.S_IROTH | stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IROTH
        if not stat.S_ISLNK(mode) and mode & wanted != wanted:
            raise EngineError(
                f"{path}: the container runs as user {NOBODY} and cannot read this; allow it with"
                f" `chmod -R a+rX {folder}`, or start the harness as another user than root"
            )


def _chown(folder: Path, uid: int, gid: int) -> None:
    for path in (folder, *folder.rglob("*")):
        try:
            os.chown(path, uid, gid, follow_symlinks=False)
        except FileNotFoundError:
            continue


def _remove_special(folder: Path) -> None:
    for path in folder.rglob("*"):
        mode = path.lstat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            path.unlink()
