"""Named pipes by which host and runner wake each other, instead of polling.

A pipe carries no message: whoever is woken looks at the files. Waits also end by themselves after a
while, because no pipe reaches from one kernel into another (a virtual machine between host and
container).
"""

from __future__ import annotations

import contextlib
import os
import select
import stat
import time
from typing import Optional

_POLL_SECONDS = 0.01
"""The longest sleep where there is no pipe."""
_PAUSE_SECONDS = 0.001
"""The pause after each wake-up, so that a writer who never stops costs nothing."""
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW


def create(path: str) -> None:
    """Make a pipe that every user may write to; nothing happens on a disk that takes no pipes."""
    with contextlib.suppress(OSError):
        os.mkfifo(path)
        os.chmod(path, 0o666)


def notify(path: str) -> None:
    """Wake whoever waits at this pipe, if anybody does."""
    with contextlib.suppress(OSError):
        pipe = os.open(path, os.O_WRONLY | _FLAGS)
        try:
            # A training may have put something else in its place.
            if stat.S_ISFIFO(os.fstat(pipe).st_mode):
                os.write(pipe, b"\0")
        finally:
            os.close(pipe)


class Waiter:
    """Waits at the pipe at `path`; `descriptor` is None where there is no pipe."""

    def __init__(self, path: str) -> None:
        self.descriptor: Optional[int] = None
        with contextlib.suppress(OSError):
            # Also open for writing: with no writer left, the pipe would look ready for ever.
            descriptor = os.open(path, os.O_RDWR | _FLAGS)
            if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
                self.descriptor = descriptor
            else:
                os.close(descriptor)

    def wait(self, seconds: float) -> None:
        """Sleep until notified since the last wait, at most for so many seconds."""
        if self.descriptor is None:
            time.sleep(min(seconds, _POLL_SECONDS))
            return
        poll = select.poll()
        poll.register(self.descriptor, select.POLLIN)
        if poll.poll(seconds * 1000):
            with contextlib.suppress(OSError):
                os.read(self.descriptor, 4096)
            time.sleep(_PAUSE_SECONDS)

    def close(self) -> None:
        """Stop waiting."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None
