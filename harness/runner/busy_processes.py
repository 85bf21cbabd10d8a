"""`python busy_processes.py STARTER CPU…`: one process per CPU that does nothing but use it.

Started by `cpu_load` and never imported by what trains. Prints the numbers of the processes as a
JSON list once all of them run, and ends them when its standard input does. Whatever ends the
process STARTER ends them too.

Python 3.7 and the standard library only, without site packages and without `harness`.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
from typing import List, NoReturn

_END_WITH_PARENT = 1
"""PR_SET_PDEATHSIG: the signal that this process gets when its parent ends."""


def main(arguments: List[str]) -> int:
    """Start them, say so, and wait for the end of standard input."""
    starter, *cpus = map(int, arguments)
    _end_with(starter)
    readable, writable = os.pipe()
    pids = [_start(cpu, writable) for cpu in cpus]
    for _ in pids:
        os.read(readable, 1)
    sys.stdout.write(json.dumps(pids) + "\n")
    sys.stdout.flush()
    sys.stdin.buffer.read()
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return 0


def _end_with(parent: int) -> None:
    """Be killed when the parent ends, also where it has by now."""
    ctypes.CDLL(None, use_errno=True).prctl(_END_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _start(cpu: int, ready: int) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            _keep_busy(cpu, ready, parent)
        finally:
            os._exit(1)
    return pid


def _keep_busy(cpu: int, ready: int, parent: int) -> NoReturn:
    _end_with(parent)
    os.sched_setaffinity(0, [cpu])
    # As any other program would compete, whatever policy the training has.
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    os.write(ready, b".")
    while True:
        pass


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
