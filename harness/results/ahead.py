"""Looking at a results folder in a second process, while this one still imports what it needs.

A look at a hundred thousand records takes as long as importing pandas. A thread would not help:
with every file it asks for the interpreter's lock, which importing holds.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import NoReturn

from harness.results import inventory
from harness.results.inventory import Seen
from harness.results.scan import sweeps

_INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM)

Look = Callable[[Path], Seen]
"""How a sweep's folder is looked at: `inventory.seen`, or what gives the same."""


@contextmanager
def looking(folder: Path) -> Iterator[Look]:
    """Begin to look at the sweeps below `folder`; gives the same as `inventory.seen`.

    Whatever becomes of the other process: what it did not tell is looked at here, when asked for.
    It has ended when this has.

    Raises:
        UsageError: there are no results in this folder.
    """
    folders = [sweep.folder for sweep in sweeps(folder)]
    other = _started(folders)
    if other is None:
        yield inventory.seen
        return
    try:
        yield other.seen
    finally:
        other.end()


def _started(folders: Sequence[Path]) -> _Other | None:
    """The other process, None where there can be none."""
    if threading.active_count() > 1:
        # Forking could leave it with a lock that nobody releases.
        return None
    try:
        return _Other(folders)
    except OSError:  # as many as are allowed are there
        return None


class _Other:
    """A process that looks at folders, one after the other."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._answers, into = os.pipe()
        # Held back until the process has handlers of its own: those it begins with are this one's.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTIONS)
        try:
            self._process = os.fork()
            if self._process == 0:
                _tell(folders, into, self._answers)
        except OSError:
            os.close(self._answers)
            raise
        finally:
            os.close(into)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def seen(self, folder: Path) -> Seen:
        """What the process saw; waits for all of it."""
        return self._seen.get(folder) or inventory.seen(folder)

    @cached_property
    def _seen(self) -> dict[Path, Seen]:
        told: list[Seen] = []
        # It may have ended before its time, amid an answer, too.
        with (
            os.fdopen(self._answers, "rb", closefd=False) as answers,
            suppress(EOFError, pickle.UnpicklingError),
        ):
            while True:
                told.append(pickle.load(answers))
        return dict(zip(self._folders, told, strict=False))

    def end(self) -> None:
        """Have the process gone, whether or not it was done."""
        os.close(self._answers)
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)


def _tell(folders: Sequence[Path], into: int, answers: int) -> NoReturn:
    """What the process does. Where it fails, the other one looks itself and says why it cannot."""
    try:
        for interruption in _INTERRUPTIONS:
            signal.signal(interruption, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTIONS)
        # Open here too, it would keep this process writing to nobody.
        os.close(answers)
        with os.fdopen(into, "wb") as answer:
            for folder in folders:
                seen = inventory.seen(folder)
                # So that it is computed, and goes along.
                _ = seen.digest
                pickle.dump(seen, answer)
    finally:
        # At once: what is open, and what was to be printed, is the other one's.
        os._exit(0)
