"""A copy of what the process writes to standard error, C++ code included.

A child process passes everything on at once, so nothing is lost if this process dies; no thread
is created, because the process is to be forked later.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from contextlib import contextmanager
from typing import IO, Iterator, List, Tuple

_STANDARD_ERROR = 2
_CHUNK = 65536


@contextmanager
def copy_of_standard_error(folder: str) -> Iterator[List[str]]:
    """Within the block, standard error is passed on and copied.

    Yields a list that holds the text, as its one element, once the block has ended. `folder` must
    be writable; nothing stays in it.
    """
    text: List[str] = []
    with tempfile.TemporaryFile(dir=folder) as copy:
        real = os.dup(_STANDARD_ERROR)
        child = _redirect(real, copy)
        try:
            yield text
        finally:
            _restore(real, child)
            copy.seek(0)
            text.append(copy.read().decode("utf-8", "replace"))


def _redirect(real: int, copy: IO[bytes]) -> int:
    """Let standard error lead to a child that passes it on; returns the child's process id."""
    sys.stderr.flush()
    sys.stdout.flush()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        _pass_on(reading, (real, copy.fileno()))
    os.close(reading)
    os.dup2(writing, _STANDARD_ERROR)
    os.close(writing)
    return child


def _pass_on(source: int, targets: Tuple[int, ...]) -> None:
    """Copy until the other end closes, then end this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        chunk = os.read(source, _CHUNK)
        while chunk:
            for target in targets:
                os.write(target, chunk)
            chunk = os.read(source, _CHUNK)
    finally:
        os._exit(0)


def _restore(real: int, child: int) -> None:
    sys.stderr.flush()
    os.dup2(real, _STANDARD_ERROR)
    os.close(real)
    os.waitpid(child, 0)
