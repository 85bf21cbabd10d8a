"""A forked run and all that it starts: none of it outlives the run, whatever it detaches from.

Between a warm process and each training stands a process that does nothing but adopt what the
training leaves behind, and kill it. It then ends as the training did.

Python 3.7 and the standard library only.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from typing import Callable, NoReturn

from harness.runner import memory

_ADOPT_ORPHANS = 36
"""PR_SET_CHILD_SUBREAPER: processes whose parent ends become children of this one."""
_PAUSE_SECONDS = 0.002


def adopt_orphans() -> None:
    """From now on descendants whose parent ends become this process's children."""
    ctypes.CDLL(None, use_errno=True).prctl(_ADOPT_ORPHANS, 1, 0, 0, 0)


def supervise(train: Callable[[], NoReturn]) -> NoReturn:
    """Fork the training, wait for its end, kill what it left, and end as it ended."""
    os.setpgid(0, 0)
    adopt_orphans()
    training = os.fork()
    if training == 0:
        train()
    status = _wait_for(training)
    kill_descendants(os.getpid())
    _end_with(status)


def kill_descendants(pid: int) -> None:
    """SIGKILL to everything below a process, until nothing of it is alive."""
    while True:
        below = memory.descendants(pid)
        if not below:
            return
        for each in below:
            with contextlib.suppress(OSError):
                os.kill(each, signal.SIGKILL)
        reap()
        time.sleep(_PAUSE_SECONDS)


def reap() -> None:
    """Collect the children that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


def _wait_for(training: int) -> int:
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == training:
            return status


def _end_with(status: int) -> NoReturn:
    if os.WIFSIGNALED(status):
        signum = os.WTERMSIG(status)
        with contextlib.suppress(OSError):
            signal.signal(signum, signal.SIG_DFL)
        os.kill(os.getpid(), signum)
        os._exit(128 + signum)
    os._exit(os.WEXITSTATUS(status))
