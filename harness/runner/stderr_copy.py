"""A copy of what the process writes to standard error, C++ code included.

Where standard error is a file, the copy is read from it. Elsewhere a child process passes
everything on at once, so nothing is lost if this process dies; no thread is created, because the
process is to be forked later.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import stat
import sys
import tempfile
from typing import IO, Iterator, List, Optional, Tuple

_STANDARD_ERROR = 2
_CHUNK = 65536


@contextlib.contextmanager
def copy_of_standard_error(folder: str) -> Iterator[List[str]]:
    """Within the block, standard error is copied, and also goes where it went.

    Yields a list that holds the text, as its one element, once the block has ended. `folder` must
    be writable; nothing stays in it.
    """
    text: List[str] = []
    file = _file_behind_it()
    if file is None:
        with tempfile.TemporaryFile(dir=folder) as copy:
            passing = _Passing(copy)
            try:
                yield text
            finally:
                passing.end()
                copy.seek(0)
                text.append(copy.read().decode("utf-8", "replace"))
        return
    with file:
        file.seek(0, os.SEEK_END)
        try:
            yield text
        finally:
            sys.stderr.flush()
            text.append(file.read().decode("utf-8", "replace"))


def _file_behind_it() -> Optional[IO[bytes]]:
    if not stat.S_ISREG(os.fstat(_STANDARD_ERROR).st_mode):
        return None
    try:
        return open("/proc/self/fd/%d" % _STANDARD_ERROR, "rb", buffering=0)
    except OSError:
        # This process may write to it only.
        return None


class _Passing:
    """Standard error led through a child that writes it to where it went, and to a copy."""

    def __init__(self, copy: IO[bytes]) -> None:
        sys.stderr.flush()
        sys.stdout.flush()
        self.real = os.dup(_STANDARD_ERROR)
        reading, writing = os.pipe()
        # Its reading end stays open here, too: the child may have ended when it is written to.
        self.stopped, self.stop = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            os.close(writing)
            _pass_on(reading, self.stopped, (self.real, copy.fileno()))
        os.close(reading)
        os.dup2(writing, _STANDARD_ERROR)
        os.close(writing)

    def end(self) -> None:
        """Put standard error back, and wait until everything is passed on."""
        sys.stderr.flush()
        os.dup2(self.real, _STANDARD_ERROR)
        # The pipe's end is no sign: what this process started may hold it open.
        os.write(self.stop, b"\0")
        os.waitpid(self.child, 0)
        for end in (self.real, self.stopped, self.stop):
            os.close(end)


def _pass_on(source: int, stopped: int, targets: Tuple[int, ...]) -> None:
    """Copy until the other end closes or, once stopped, nothing is left; then end this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while select.select([source, stopped], [], [])[0] != [stopped]:
            chunk = os.read(source, _CHUNK)
            if not chunk:
                break
            for target in targets:
                # A full disk, or a reader who is gone, must not end what the process writes to.
                with contextlib.suppress(OSError):
                    os.write(target, chunk)
    finally:
        os._exit(0)
