"""Running a test in a child that may neither hang nor take memory."""

from __future__ import annotations

import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from fuzzing.seeds import AGAIN

MEMORY = 500 << 20
"""What reading may take beyond what Python and the libraries already have, in bytes."""

SECONDS = 5
"""CPU time after which reading one input counts as a hang."""

WALL_SECONDS = 60
"""Time after which it does even if it only waits, on a machine that is busy with other work."""


def within_bounds(run: Callable[[], object]) -> None:
    """Run something in a child with 500 MiB; fail with what it raised, or how it ended."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        os._exit(_in_child(run, write))
    os.close(write)
    with os.fdopen(read, "rb") as file:
        printed = file.read().decode("utf-8", "replace")
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == 0, f"ended with {status}; {AGAIN}\n{printed}"


def _in_child(run: Callable[[], object], write: int) -> int:
    # `sys.stdout` is pytest's own, and what it holds would be written twice.
    os.dup2(write, 2)
    sys.stderr = sys.stdout = os.fdopen(write, "w")
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.signal(signal.SIGVTALRM, _hang)
    signal.signal(signal.SIGALRM, _hang)
    try:
        run()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        return 1
    return 0


def _hang(number: int, frame: object) -> None:
    raise TimeoutError("still reading")


def timed(
    read: Callable[[], object], seconds: float = SECONDS, wall_seconds: float = WALL_SECONDS
) -> object:
    """Read one input; a hang raises TimeoutError where it hangs, working or waiting."""
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, wall_seconds)
    try:
        return read()
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
