"""Finding sweeps below a folder, and reading everything in them. Needs nothing but the files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from harness import console
from harness.errors import UsageError
from harness.results import regular_files
from harness.results.names import BLOB_FOLDER, RESULTS_FOLDER

if TYPE_CHECKING:
    from harness.results.plan_file import PlanHeader, PlannedCell
    from harness.results.record import Record

PLAN = "plan.jsonl"
MACHINE = "machine.json"
VOUCHERS = "vouchers.json"
LOGS = "logs"
"""The folder of build logs beside the cells; no cell id is so short."""

_RECORD = re.compile(r"([1-9][0-9]{0,8})\.json")
_KNOWN = re.compile(r"\..*|[1-9][0-9]*\.superseded-[0-9a-f]{8}\.json")
_EXAMPLES = 3
_OF_A_SWEEP = (PLAN, MACHINE, VOUCHERS)


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
        # What reads foreign files takes a while to import; finding sweeps does without.
        from harness.results import plan_file

        path = self.folder / PLAN
        return plan_file.read(path) if os.path.lexists(path) else None

    def records(self) -> Iterator[Record]:
        """Every record, sorted by cell and repeat; other files are left out with a note.

        Raises:
            RecordError: a record is unreadable or of another schema; the message names the file.
        """
        from harness.results.reading import read_record

        cells, foreign = cell_folders(self.folder)
        for cell in cells:
            repeats, others = repeats_in(self.folder / cell)
            foreign += [f"{cell}/{name}" for name in others]
            for repeat in repeats:
                record = read_record(self.folder / cell / f"{repeat}.json")
                if record is not None:
                    yield record
        note_foreign(self.folder, foreign)


def note_foreign(folder: Path, names: Sequence[str]) -> None:
    """Say which files of a sweep are no records, if there are any."""
    if names:
        shown = ", ".join(names[:_EXAMPLES]) + (", …" if len(names) > _EXAMPLES else "")
        console.note(f"{folder}: left out files that are no records: {shown} ({len(names)})")


def sweeps(folder: str | Path) -> list[SweepFolder]:
    """The sweeps in a results folder, in one matrix's folder below it, or in one machine's.

    Sorted by matrix and machine.

    Raises:
        UsageError: there are none.
    """
    top = top_of(Path(folder).absolute())
    if not top.is_dir():
        raise UsageError(f"{folder}: no such folder; harness run makes one with --results")
    for depth in range(3):
        folders = sorted(path for path in _below(top, depth) if _is_sweep(path))
        if folders:
            return [_sweep(path) for path in folders]
    raise UsageError(
        f"{folder}: no results in here; expected the folder given to harness run as --results, or "
        f"one below it: MATRIX/MACHINE/{PLAN}"
    )


def top_of(folder: Path) -> Path:
    """Where the results lie: a publication has them one folder down.

    A link is the user's own, and what belongs to the results lies beside where it leads.
    """
    top = folder.resolve() if folder.is_symlink() else folder
    return top / RESULTS_FOLDER if is_publication(top) else top


def is_publication(folder: Path) -> bool:
    """Whether this is what `harness publish` wrote: a page, and the results beside it."""
    return (folder / "index.html").is_file() and regular_files.is_folder(folder / RESULTS_FOLDER)


def _below(top: Path, depth: int) -> Iterator[Path]:
    if depth == 0:
        yield top
        return
    for child in top.iterdir():
        hidden = child.name.startswith(".") or child.name == BLOB_FOLDER
        if not hidden and regular_files.is_folder(child):
            yield from _below(child, depth - 1)


def _is_sweep(folder: Path) -> bool:
    return any(os.path.lexists(folder / name) for name in (PLAN, MACHINE))


def _sweep(folder: Path) -> SweepFolder:
    resolved = folder.resolve()
    return SweepFolder(matrix=resolved.parent.name, machine=resolved.name, folder=folder)


def cell_folders(folder: Path) -> tuple[list[str], list[str]]:
    """The folders of a sweep in which records may lie, and what does not belong there; sorted."""
    entries = _entries(folder)
    folders = [entry.name for entry in entries if _may_hold_records(entry)]
    files = [entry.name for entry in entries if not entry.is_dir(follow_symlinks=False)]
    return folders, [name for name in files if name not in _OF_A_SWEEP and _is_foreign(name)]


def _may_hold_records(entry: os.DirEntry[str]) -> bool:
    is_folder = entry.is_dir(follow_symlinks=False)
    return is_folder and not entry.name.startswith(".") and entry.name != LOGS


def repeats_in(folder: Path) -> tuple[list[int], list[str]]:
    """The repeats that a cell's folder has records of, and what does not belong there; sorted."""
    records, foreign = records_in(folder)
    return sorted(records), foreign


def records_in(folder: Path | int) -> tuple[dict[int, os.DirEntry[str]], list[str]]:
    """A cell's records by repeat, in any order, and sorted what does not belong there.

    The folder is named, or held open.
    """
    records: dict[int, os.DirEntry[str]] = {}
    foreign: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            repeat = _repeat_of(entry.name)
            if repeat is not None and entry.is_file(follow_symlinks=False):
                records[repeat] = entry
            elif _is_foreign(entry.name):
                foreign.append(entry.name)
    return records, sorted(foreign)


@lru_cache(maxsize=4096)
def _repeat_of(name: str) -> int | None:
    """The repeat that a file of this name records; a hundred thousand have few different names."""
    match = _RECORD.fullmatch(name)
    return int(match[1]) if match else None


def _is_foreign(name: str) -> bool:
    return not _KNOWN.fullmatch(name)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return sorted(entries, key=lambda entry: entry.name)
