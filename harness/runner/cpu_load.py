"""A load on the CPUs of a run, beside the training: one process per CPU that competes for it.

The processes end with `end`, and with the process that started them, however that ends. Python 3.7
and the standard library only.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any, List, Optional

from harness.protocol import processor
from harness.runner import busy_processes
from harness.runner.findings import Finding


@dataclass(frozen=True)
class Load:
    """Processes that keep CPUs busy, what they had used when all of them ran, and when that was."""

    starter: Any
    pids: List[int]
    used: List[Optional[float]]
    begun: float


@dataclass(frozen=True)
class Loaded:
    """What ended just now: for how long it was there, and the CPU time that each process used
    meanwhile, None where one was no longer running. All in seconds. `is_known` says whether the
    system tells the CPU time of other processes."""

    seconds: float
    used: List[Optional[float]]
    is_known: bool


def begin() -> Load:
    """Keep every CPU of this process busy; returns once all of them are.

    Only to be called by the main thread: what it starts ends with the thread that called. Where
    nothing could be started, there are no processes in the load.
    """
    cpus = processor.usable_cpu_numbers() or []
    # Without site packages: it starts in no time, and a user's code has no part in it.
    command = [sys.executable, "-I", "-S", busy_processes.__file__, str(os.getpid())]
    starter = subprocess.Popen(
        [*command, *map(str, cpus)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert starter.stdout is not None
    line = starter.stdout.readline()
    pids = json.loads(line.decode("ascii")) if line else []
    return Load(starter, pids, [_cpu_seconds(pid) for pid in pids], time.perf_counter())


def end(load: Load) -> Loaded:
    """End the load, and say what it did."""
    now = [_cpu_seconds(pid) if _is_running(pid) else None for pid in load.pids]
    seconds = time.perf_counter() - load.begun
    for pid in load.pids:
        # They are not collected before the one that started them is told to.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(BrokenPipeError):
        load.starter.stdin.close()
    load.starter.stdout.close()
    load.starter.wait()
    used = [None if a is None or b is None else b - a for a, b in zip(load.used, now)]
    return Loaded(seconds, used, is_known=None not in load.used)


def finding(loaded: Optional[Loaded]) -> Finding:
    """The value of the axis `load`: busy where every process ran to the end and used its CPU."""
    if loaded is None:
        return "none", "the run started none"
    if not loaded.is_known:
        return None, "this system does not say how much CPU time other processes used"
    each = ", ".join("none" if used is None else "%.2f" % used for used in loaded.used)
    how = "%d processes, beside the training for %.2f s, used so much CPU time: %s"
    is_busy = bool(loaded.used) and all(used is not None and used > 0 for used in loaded.used)
    return ("busy" if is_busy else "other"), how % (len(loaded.used), loaded.seconds, each)


def _cpu_seconds(pid: int) -> Optional[float]:
    """The CPU time of a process, None where the system does not say."""
    clock = ctypes.c_int()
    if ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock)):
        return None
    with contextlib.suppress(OSError):
        return time.clock_gettime(clock.value)
    return None


def _is_running(pid: int) -> bool:
    """Whether a process is neither stopped, nor asleep, nor at its end."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] == "R"
    except (OSError, IndexError):
        return False
