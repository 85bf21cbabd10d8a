"""Whether a file is as it was, told without opening it.

It is if its size, its time of modification and its time of change are. The last one cannot be set
by a program, so it also tells an edit that put the other two back, and a copy from elsewhere. File
systems keep time in ticks: what changed within the last ticks could change again without a trace,
so it is not believed to be as it was.
"""

from __future__ import annotations

import time
from pathlib import Path

Stamp = tuple[int, int, int]
"""Size in bytes, modification and change in nanoseconds."""

TICK_NS = 2_000_000_000
"""The coarsest ticks in use, those of FAT; other file systems have milliseconds."""


def of(path: Path) -> Stamp | None:
    """The stamp of a file; None where it may change without a trace, or is not there."""
    latest = until()
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    if max(found.st_mtime_ns, found.st_ctime_ns) > latest:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def until() -> int:
    """What is of a time after this may change again without a trace."""
    return time.time_ns() - TICK_NS
