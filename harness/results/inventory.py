"""Which record files a sweep has, each with its stamp; none is opened for that."""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat as times
from pathlib import Path

from harness import stamps
from harness.results import scan
from harness.stamps import Stamp

Name = tuple[str, int]
"""A record: the folder of its cell, and the repeat."""

TOO_RECENT: Stamp = (-1, -1, -1)
"""Stands for the stamp of what may change again within the tick; no file has it."""

_EARLIEST = -(2**63)
"""Before this, in 1677, a time does not fit into what holds it here; files can have such ones."""

_EACH = 1 + len(TOO_RECENT)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The records of a sweep as they are, held so that a hundred thousand take little room.

    `cells` are the folders, sorted, and `counts` says how many records each has; `numbers` has the
    repeat and the stamp of one record after the other. `foreign` is what is no record.
    """

    cells: Sequence[str]
    counts: Sequence[int]
    numbers: array[int]
    foreign: Sequence[str] = ()

    @property
    def count(self) -> int:
        """How many records there are."""
        return len(self.numbers) // _EACH

    def records(self) -> Iterator[tuple[Name, Stamp]]:
        """Every record with its stamp, sorted."""
        names = (
            cell for pair in zip(self.cells, self.counts, strict=True) for cell in times(*pair)
        )
        columns = (self.numbers[place::_EACH] for place in range(_EACH))
        for cell, repeat, *stamp in zip(names, *columns, strict=True):
            yield (cell, repeat), (stamp[0], stamp[1], stamp[2])

    @cached_property
    def digest(self) -> str:
        """That of all names and stamps; empty where a record may change without a trace.

        Folders without a record make no difference.
        """
        if TOO_RECENT[0] in self.numbers:
            return ""
        pairs = zip(self.cells, self.counts, strict=True)
        names = "".join(f"{cell}/{count}\n" for cell, count in pairs if count)
        whole = hashlib.sha256(os.fsencode(names))
        whole.update(self.numbers)
        return whole.hexdigest()


def of_rows(rows: Iterable[tuple[str, Sequence[int]]], foreign: Sequence[str] = ()) -> Seen:
    """What was seen, from one row of numbers per folder, as in `Seen`; all sorted."""
    cells: list[str] = []
    counts: list[int] = []
    numbers = array("q")
    for cell, its in rows:
        cells.append(cell)
        counts.append(len(its) // _EACH)
        numbers.extend(its)
    return Seen(cells=cells, counts=counts, numbers=numbers, foreign=foreign)


def seen(folder: Path) -> Seen:
    """Look at every folder of a sweep and every record in it."""
    cells, foreign = scan.cell_folders(folder)
    until = stamps.until()
    rows: list[tuple[str, list[int]]] = []
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for cell in cells:
            its, others = _rows(cell, top, until)
            rows.append((cell, its))
            foreign += [f"{cell}/{name}" for name in others]
    finally:
        os.close(top)
    return of_rows(rows, foreign)


def _rows(cell: str, top: int, until: int) -> tuple[list[int], list[str]]:
    """Of each record its repeat and its stamp, one after the other; and what is no record."""
    # Names below a folder that is held open are found quicker.
    handle = os.open(cell, os.O_RDONLY | os.O_DIRECTORY, dir_fd=top)
    try:
        records, foreign = scan.records_in(handle)
        return _numbers(records, until), foreign
    finally:
        os.close(handle)


def _numbers(records: Mapping[int, os.DirEntry[str]], until: int) -> list[int]:
    """The row of these records; `TOO_RECENT` where one is of a time after `until`."""
    rows: list[int] = []
    # All in one loop: this is done a hundred thousand times, and calls would take a fifth of it.
    for repeat in sorted(records):
        try:
            found = records[repeat].stat()
        except FileNotFoundError:
            continue
        modified, changed = found.st_mtime_ns, found.st_ctime_ns
        if modified > until or changed > until or modified < _EARLIEST:
            rows += (repeat, *TOO_RECENT)
        else:
            rows += (repeat, found.st_size, modified, changed)
    return rows
