"""Temporary folders, and the cache as a whole, held by locks that end with the process.

What a killed process left can so be told from what a living one works with, whatever process ids
or clocks say.
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
from typing import IO

from harness import places

_NAME = re.compile(r"harness-[a-z]+-[a-z0-9_]{8}")
_GRACE_SECONDS = 2
"""A younger folder may still be on its way to being held."""

_HELD: dict[Path, IO[bytes]] = {}
_HOLDING = threading.Lock()


@contextmanager
def folder(kind: str) -> Iterator[Path]:
    """A temporary folder `harness-<kind>-…`, held while this process lives, removed at the end."""
    made = Path(tempfile.mkdtemp(prefix=f"harness-{kind}-"))
    held = os.open(made, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(held)


def abandoned() -> list[Path]:
    """The temporary folders of this user's harness processes that live no more."""
    found = Path(tempfile.gettempdir()).glob("harness-*")
    named = [path for path in found if _NAME.fullmatch(path.name) and _is_own(path)]
    return sorted(path for path in named if is_abandoned(path))


def _is_own(path: Path) -> bool:
    # Anybody may make a folder of this name where all temporary folders are.
    with suppress(OSError):
        return path.lstat().st_uid == os.getuid()
    return False


def is_abandoned(path: Path) -> bool:
    """Whether nobody holds a folder that `folder` made, or it is gone."""
    try:
        # One from the future was left before the clock was set back.
        if 0 <= time.time() - path.stat().st_ctime < _GRACE_SECONDS:
            return False
        held = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(held)
    return True


def use_cache() -> None:
    """Until this process ends, `alone` says that the cache is in use."""
    path = places.cache() / ".used"
    # Nobody goes on before it is held, whoever of several threads came first.
    with _HOLDING:
        if path not in _HELD:
            with places.written(path):
                file = path.open("ab")
            fcntl.flock(file, fcntl.LOCK_SH)
            _HELD[path] = file


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
