"""Finding sweeps below a folder, and reading everything in them. Needs nothing but the files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness import console
from harness.errors import UsageError
from harness.results import plan_file
from harness.results.names import BLOB_FOLDER
from harness.results.plan_file import PlanHeader, PlannedCell
from harness.results.reading import read_record
from harness.results.record import Record

PLAN = "plan.jsonl"
MACHINE = "machine.json"
LOGS = "logs"
"""The folder of build logs beside the cells; no cell id is so short."""

_RECORD = re.compile(r"([1-9][0-9]{0,8})\.json")
_KNOWN = re.compile(r"\..*|[1-9][0-9]*\.superseded-[0-9a-f]{8}\.json")
_EXAMPLES = 3


@dataclass(frozen=True, kw_only=True)
class SweepFolder:
    """The folder of one matrix on one machine; both are named by the folders."""

    matrix: str
    machine: str
    folder: Path

    def plan(self) -> tuple[PlanHeader, Iterator[PlannedCell]] | None:
        """The plan, cells as a stream; None where only records were copied here.

        Raises:
            RecordError: the plan cannot be read or is of another schema.
        """
        path = self.folder / PLAN
        return plan_file.read(path) if path.exists() else None

    def records(self) -> Iterator[Record]:
        """Every record, sorted by cell and repeat; other files are left out with a note.

        Raises:
            RecordError: a record is unreadable or of another schema; the message names the file.
        """
        foreign: list[str] = []
        for path in _record_paths(self.folder, foreign):
            record = read_record(path)
            if record is not None:
                yield record
        if foreign:
            shown = ", ".join(foreign[:_EXAMPLES]) + (", …" if len(foreign) > _EXAMPLES else "")
            console.note(f"{self.folder}: left out what is no record: {shown} ({len(foreign)})")


def sweeps(folder: str | Path) -> list[SweepFolder]:
    """The sweeps in a results folder, in one matrix's folder below it, or in one machine's.

    Sorted by matrix and machine.

    Raises:
        UsageError: there are none.
    """
    top = Path(folder).absolute()
    if not top.is_dir():
        raise UsageError(f"{folder}: no such folder; harness run makes one with --results")
    for depth in range(3):
        found = sorted(path for path in _below(top, depth) if _is_sweep(path))
        if found:
            return [_sweep(path) for path in found]
    raise UsageError(
        f"{folder}: no results in here; expected the folder given to harness run as --results, or "
        f"one below it: MATRIX/MACHINE/{PLAN}"
    )


def _below(top: Path, depth: int) -> Iterator[Path]:
    if depth == 0:
        yield top
        return
    for child in top.iterdir():
        if child.is_dir() and not child.name.startswith(".") and child.name != BLOB_FOLDER:
            yield from _below(child, depth - 1)


def _is_sweep(folder: Path) -> bool:
    return (folder / PLAN).is_file() or (folder / MACHINE).is_file()


def _sweep(folder: Path) -> SweepFolder:
    resolved = folder.resolve()
    return SweepFolder(matrix=resolved.parent.name, machine=resolved.name, folder=folder)


def _record_paths(folder: Path, foreign: list[str]) -> Iterator[Path]:
    for cell in _entries(folder):
        if cell.is_dir():
            yield from _records_of(cell, foreign)
        elif cell.name not in (PLAN, MACHINE) and not _KNOWN.fullmatch(cell.name):
            foreign.append(cell.name)


def _records_of(cell: os.DirEntry[str], foreign: list[str]) -> Iterator[Path]:
    if cell.name.startswith(".") or cell.name == LOGS:
        return
    repeats: list[int] = []
    for entry in _entries(cell.path):
        match = _RECORD.fullmatch(entry.name)
        if match and entry.is_file():
            repeats.append(int(match[1]))
        elif not _KNOWN.fullmatch(entry.name):
            foreign.append(f"{cell.name}/{entry.name}")
    yield from (Path(cell.path, f"{repeat}.json") for repeat in sorted(repeats))


def _entries(folder: str | Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        return sorted(found, key=lambda entry: entry.name)
