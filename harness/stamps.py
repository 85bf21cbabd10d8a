"""Whether a file is as it was, told without opening it.

It is if its size, its time of modification and its time of change are. The last one cannot be set
by a program, so it also tells an edit that put the other two back, and a copy from elsewhere. File
systems keep time in ticks: what changed within the last ticks could change again without a trace,
so it is not believed to be as it was.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

Stamp = tuple[int, int, int]
"""Size in bytes, modification and change in nanoseconds."""

TICK_NS = 2_000_000_000
"""The coarsest ticks in use, those of FAT; other file systems have milliseconds."""


def of(path: Path) -> Stamp | None:
    """The stamp of a file; None where it may change without a trace, or is not there."""
    try:
        return believed(path.stat(), time.time_ns())
    except FileNotFoundError:
        return None


def believed(found: os.stat_result, now: int) -> Stamp | None:
    """The stamp in a file's status as taken at `now`; None if it may change without a trace."""
    modified, changed = found.st_mtime_ns, found.st_ctime_ns
    if modified > now - TICK_NS or changed > now - TICK_NS:
        return None
    return found.st_size, modified, changed
