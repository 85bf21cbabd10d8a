"""Exchange folders: made, locked while this process lives, removed; those of the dead, too."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness import places, scratch
from harness.protocol import exchange, wakeup

_GRACE_SECONDS = 60
"""A younger folder may be one that another process has not locked yet."""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """The folders that one process shares with the host: see `harness.protocol.exchange`."""

    folder: Path

    @property
    def control(self) -> Path:
        """What the host writes; the process sees it read-only."""
        return self.folder / "control"

    @property
    def output(self) -> Path:
        """What the process writes; the host only reads there, and trusts nothing."""
        return self.folder / "output"

    @property
    def log(self) -> Path:
        """What the engine has the process print to; the process has no way to it."""
        return self.folder / "log.txt"


@contextmanager
def opened() -> Iterator[Exchange]:
    """A new exchange, with a lock that ends with this process; removed at the end."""
    parent = places.cache("exchange")
    with places.written(parent):
        made = Exchange(folder=Path(tempfile.mkdtemp(dir=parent)))
    try:
        make_readable(made.control)
        made.output.mkdir()
        # In a container the process is another user.
        made.output.chmod(0o777)
        with (made.control / exchange.ALIVE).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (made.control / exchange.ALIVE).chmod(0o644)
            yield made
    finally:
        shutil.rmtree(made.folder, ignore_errors=True)


def make_readable(folder: Path) -> None:
    """Make a folder that every user can read, whatever this process's umask is."""
    folder.mkdir()
    folder.chmod(0o755)


@contextmanager
def wakeups(path: Path) -> Iterator[wakeup.Waiter]:
    """A new pipe, and who waits at it, for the time of the `with` block."""
    wakeup.create(str(path))
    waiter = wakeup.Waiter(str(path))
    try:
        yield waiter
    finally:
        waiter.close()


def remove_abandoned() -> int:
    """Remove exchange folders that no living process has locked; how many there were."""
    left = abandoned()
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return len(left)


def abandoned() -> list[Path]:
    """The exchange folders that no living process has locked."""
    return [folder for folder in places.cache("exchange").iterdir() if _is_abandoned(folder)]


def _is_abandoned(folder: Path) -> bool:
    lock = folder / "control" / exchange.ALIVE
    return scratch.is_abandoned(folder, lock=lock, grace=_GRACE_SECONDS)
