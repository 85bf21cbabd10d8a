"""Who a container runs as, and which folders of the host are its own."""

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


def require_own_engine(*, rootless: bool) -> None:
    """Make sure that a rootless engine is not somebody else's: as its user it reads and writes.

    Raises:
        EngineError: this is root, who runs no rootless engine.
    """
    if rootless and os.getuid() == 0:
        raise EngineError(
            "the engine is rootless and this is root, whose files it cannot reach; start the"
            " harness as the user who runs the engine, or let DOCKER_HOST name another engine"
        )


def give(output: Path) -> None:
    """Make the container the owner of an empty folder: the host only reads there from now on."""
    if os.getuid() == 0:
        os.chown(output, NOBODY, NOBODY)


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
