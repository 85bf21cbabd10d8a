"""A bell wakes whoever waits for news, so that nobody need look for it a hundred times a second.

It is a named pipe in a folder that host and runner share. It carries no news itself: whoever hears
it looks at the files, and looks now and then without it, since no pipe reaches from one kernel into
another (a virtual machine between host and container).

Python 3.7 and the standard library only.
"""

from __future__ import annotations

import contextlib
import os
import select
import stat
import time
from typing import Optional

_DEAF_SECONDS = 0.01
"""How long to sleep at most where there is no bell to hear."""
_BREATH_SECONDS = 0.001
"""How long a listener rests after it heard something: one who never stops ringing is no burden."""
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW


def hang(path: str) -> None:
    """Make a bell that every user may ring; on a disk that takes no pipes there is none."""
    with contextlib.suppress(OSError):
        os.mkfifo(path)
        os.chmod(path, 0o666)


def ring(path: str) -> None:
    """Wake whoever listens, if anybody does."""
    with contextlib.suppress(OSError):
        bell = os.open(path, os.O_WRONLY | _FLAGS)
        try:
            # A training may have put something else in its place.
            if stat.S_ISFIFO(os.fstat(bell).st_mode):
                os.write(bell, b"\0")
        finally:
            os.close(bell)


class Listener:
    """Hears the bell at `path`; `number` is its file descriptor, None where there is no bell."""

    def __init__(self, path: str) -> None:
        self.number: Optional[int] = None
        with contextlib.suppress(OSError):
            # Also open for writing: else it would seem rung for ever once a ringer is gone.
            self.number = os.open(path, os.O_RDWR | _FLAGS)

    def wait(self, seconds: float) -> None:
        """Sleep until it rings or has rung since the last wait, at most for so many seconds."""
        if self.number is None:
            time.sleep(min(seconds, _DEAF_SECONDS))
            return
        heard = select.poll()
        heard.register(self.number, select.POLLIN)
        if heard.poll(seconds * 1000):
            with contextlib.suppress(OSError):
                os.read(self.number, 4096)
            time.sleep(_BREATH_SECONDS)

    def close(self) -> None:
        """Hear no more."""
        if self.number is not None:
            os.close(self.number)
            self.number = None
