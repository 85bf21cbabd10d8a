"""Which record files a sweep has, each with its stamp; none is opened for that."""

from __future__ import annotations

from pathlib import Path

from harness import stamps
from harness.results import scan
from harness.stamps import Stamp

Name = tuple[str, int]
"""A record: the folder of its cell, and the repeat."""

_EARLIEST = -(2**63)
"""Files can have a time before this, in 1677, but the index has no room for it."""


def record_stamps(folder: Path) -> tuple[dict[Name, Stamp | None], list[str]]:
    """The stamp of every record of a sweep, sorted by name, and the files that are no records.

    A stamp is None where the record may change again without a trace.
    """
    cells, foreign = scan.cell_folders(folder)
    until = stamps.until()
    present: dict[Name, Stamp | None] = {}
    for cell in cells:
        records, others = scan.records_in(folder / cell)
        foreign += [f"{cell}/{name}" for name in others]
        # All in one loop: this is done a hundred thousand times, and calls take a third of it.
        for repeat in sorted(records):
            try:
                status = records[repeat].stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            modified, changed = status.st_mtime_ns, status.st_ctime_ns
            lasts = modified <= until and changed <= until and modified >= _EARLIEST
            present[cell, repeat] = (status.st_size, modified, changed) if lasts else None
    return present, foreign
