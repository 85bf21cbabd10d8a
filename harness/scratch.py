"""Temporary folders, and the cache as a whole, under locks that end with the process.

So what a killed process left differs from what a living one works with, whatever process ids or
clocks say.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness import places

_NAME = re.compile(r"harness-[a-z]+-[a-z0-9_]{8}")
_GRACE_SECONDS = 2
"""A younger folder may be one that its process has not locked yet."""

_LOCKED: dict[Path, int] = {}
_LOCKING = threading.Lock()


@contextmanager
def folder(kind: str, parent: Path | None = None) -> Iterator[Path]:
    """A temporary folder `harness-<kind>-…`, locked by this process, removed at the end.

    It lies in `parent`, else where all temporary folders are.
    """
    made = Path(tempfile.mkdtemp(prefix=f"harness-{kind}-", dir=parent))
    descriptor = os.open(made, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(descriptor)


def abandoned(parent: Path | None = None) -> list[Path]:
    """Such folders of this user whose processes live no more."""
    found = (parent or Path(tempfile.gettempdir())).glob("harness-*")
    named = [path for path in found if _NAME.fullmatch(path.name) and _is_own(path)]
    return sorted(path for path in named if is_abandoned(path))


def _is_own(path: Path) -> bool:
    # Anybody may make a folder of this name where all temporary folders are.
    with suppress(OSError):
        return path.lstat().st_uid == os.getuid()
    return False


def is_abandoned(path: Path, *, lock: Path | None = None, grace: float = _GRACE_SECONDS) -> bool:
    """Whether no living process has locked a folder, or it is gone.

    `lock` is the file in it that carries the lock, else the folder does. What changed less than
    `grace` seconds ago counts as locked.
    """
    try:
        # One from the future was left before the clock was set back.
        if 0 <= time.time() - path.stat().st_mtime < grace:
            return False
        descriptor = os.open(lock or path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def use_cache() -> None:
    """Until this process ends, `alone` says that the cache is in use."""
    path = places.cache() / ".used"
    # Nobody goes on before it is locked, whoever of several threads came first.
    with _LOCKING:
        if path not in _LOCKED:
            # Not a file object: this one stays open to the end of the process.
            with places.written(path):
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            _LOCKED[path] = descriptor


@contextmanager
def alone() -> Iterator[bool]:
    """Whether no process uses the cache; if so, those that want to wait for the block's end."""
    with places.written(places.cache()):
        file = (places.cache() / ".used").open("ab")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
