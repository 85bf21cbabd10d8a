"""Which record files a sweep has, and whether they are as they were, told without opening one.

A file is as it was if its size, its time of modification and its time of change are. The last one
cannot be set by a program, so it also tells an edit that put the other two back, and a copy from
elsewhere. File systems keep time in ticks: what changed within the last ticks could change again
without a trace, so it is not believed to be as it was.
"""

from __future__ import annotations

import hashlib
import os
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.results import scan

Stamp = tuple[int, int, int]
"""Size in bytes, modification and change in nanoseconds."""

Name = tuple[str, int]
"""A record: the folder of its cell, and the repeat."""

TOO_RECENT: Stamp = (-1, -1, -1)
"""Stands for the stamp of what may change again within the tick; no file has it."""

_TICK_NS = 2_000_000_000
"""The coarsest ticks in use, those of FAT; other file systems have milliseconds."""


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """The records of a sweep with their stamps, and the folders they lie in with theirs.

    `foreign` names by folder what is no record.
    """

    names: Sequence[Name] = ()
    stamps: Sequence[Stamp] = ()
    folders: Mapping[str, Stamp]
    foreign: Mapping[str, Sequence[str]]


EMPTY = Inventory(folders={}, foreign={})


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A sweep's folder as it is now, in short.

    `records` is the digest of the records' names and stamps, `foreign` what is no record.
    """

    records: str
    foreign: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Found:
    """A sweep's folder as it is now, against an inventory made before.

    `kept` are the places in that inventory of the records that are as they were; `anew` are those
    to be read, with the stamps they had before.
    """

    kept: Sequence[int]
    anew: Mapping[Name, Stamp]
    folders: Mapping[str, Stamp]
    foreign: Mapping[str, Sequence[str]]


def seen(folder: Path) -> Seen:
    """Look at every folder and every record; nothing need be known of them."""
    cells, foreign = scan.cell_folders(folder)
    now = time.time_ns()
    rows: list[tuple[str, list[int]]] = []
    with _opened(folder) as top:
        for cell in cells:
            its, others = _rows(cell, top, now)
            rows.append((cell, its))
            foreign += [f"{cell}/{name}" for name in others]
    return Seen(records=digest(rows), foreign=tuple(foreign))


def _rows(cell: str, top: int, now: int) -> tuple[list[int], list[str]]:
    """Of each record its repeat and its stamp, one after the other; and what is no record."""
    handle = os.open(cell, os.O_RDONLY | os.O_DIRECTORY, dir_fd=top)
    try:
        records, foreign = scan.records_in(handle)
        rows: list[int] = []
        for repeat in sorted(records):
            rows += repeat, *(_believed(records[repeat].stat, now) or TOO_RECENT)
        return rows, foreign
    finally:
        os.close(handle)


def digest(cells: Iterable[tuple[str, Sequence[int]]]) -> str:
    """The digest of a sweep's records as they are; empty where one may change without a trace.

    Of each cell it takes the repeats, each with its stamp, as one row of numbers; all sorted.
    Cells without a record make no difference.
    """
    names: list[str] = []
    numbers = array("q")
    for cell, rows in cells:
        if rows:
            names.append(f"{cell}/{len(rows)}\n")
            numbers.extend(rows)
    if TOO_RECENT[0] in numbers:
        return ""
    whole = hashlib.sha256(os.fsencode("".join(names)))
    whole.update(numbers)
    return whole.hexdigest()


def look(folder: Path, known: Inventory = EMPTY) -> Found:
    """Compare a sweep's folder with what is known of it.

    Every record's stamp is looked at; folders that are as they were are not listed again.
    """
    cells, _ = scan.cell_folders(folder)
    with _opened(folder) as handle:
        now, was = time.time_ns(), known.folders
        folders = {cell: _stamp(cell, handle, now) for cell in cells}
        listed = [cell for cell, stamp in folders.items() if not stamp or stamp != was.get(cell)]
        repeats, foreign = _listed(folder, listed)
        kept, anew = _compared(known, folders.keys() - set(listed), repeats, handle, now)
    foreign |= {cell: names for cell, names in known.foreign.items() if cell not in repeats}
    believed = {cell: stamp or TOO_RECENT for cell, stamp in folders.items()}
    return Found(kept=kept, anew=anew, folders=believed, foreign=foreign)


def stamp_of(path: Path) -> Stamp | None:
    """The stamp of one file; None where it may change without a trace, or is not there."""
    with _opened(path.parent) as handle:
        return _stamp(path.name, handle, time.time_ns())


def _listed(
    folder: Path, cells: Sequence[str]
) -> tuple[dict[str, Sequence[int]], dict[str, Sequence[str]]]:
    """The repeats recorded in each of these folders, and what does not belong there."""
    repeats: dict[str, Sequence[int]] = {}
    foreign: dict[str, Sequence[str]] = {}
    for cell in cells:
        repeats[cell], others = scan.repeats_in(folder / cell)
        if others:
            foreign[cell] = others
    return repeats, foreign


def _compared(
    known: Inventory, same: set[str], repeats: Mapping[str, Sequence[int]], handle: int, now: int
) -> tuple[list[int], dict[Name, Stamp]]:
    """The places of the records that are as they were, and the others, sorted, with their stamps.

    `same` are the folders that are as they were, `repeats` what the others hold.
    """
    left = {(cell, repeat) for cell, its in repeats.items() for repeat in its}
    kept: list[int] = []
    anew: dict[Name, Stamp] = {}
    for place, (name, stamp) in enumerate(zip(known.names, known.stamps, strict=True)):
        if name[0] in same or name in left:
            found = _stamp(f"{name[0]}/{name[1]}.json", handle, now)
            if found == stamp:
                kept.append(place)
            else:
                anew[name] = found or TOO_RECENT
            left.discard(name)
    for cell, repeat in left:
        anew[cell, repeat] = _stamp(f"{cell}/{repeat}.json", handle, now) or TOO_RECENT
    return kept, dict(sorted(anew.items()))


def _stamp(path: str, handle: int, now: int) -> Stamp | None:
    """The stamp of a file or folder below `handle`; None if it may change without a trace."""
    return _believed(lambda: os.stat(path, dir_fd=handle), now)


def _believed(stat: Callable[[], os.stat_result], now: int) -> Stamp | None:
    try:
        found = stat()
    except FileNotFoundError:
        return None
    modified, changed = found.st_mtime_ns, found.st_ctime_ns
    if modified > now - _TICK_NS or changed > now - _TICK_NS:
        return None
    return found.st_size, modified, changed


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """The folder held open: names below it are found quicker from there."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield handle
    finally:
        os.close(handle)
