"""Removing the records of cells. Arrays stay: other cells may name them, and `clean` can tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness import selection
from harness.results import durable, scan
from harness.results.scan import SweepFolder
from harness.results.store import Store, on_disk


@dataclass(frozen=True, kw_only=True)
class RecordedCell:
    """A cell of a sweep that has records, and the files that hold them, put aside ones included."""

    sweep: SweepFolder
    cell: str
    records: int
    files: tuple[Path, ...]


def recorded_cells(folder: Path, only: Sequence[str]) -> list[RecordedCell]:
    """The cells with records below `folder` whose id matches.

    Raises:
        UsageError: there are no results in this folder.
        SelectionError: none matches.
    """
    cells = (cell for sweep in scan.sweeps(folder) for cell in _cells(sweep))
    return list(selection.select(cells, only, name=lambda one: one.cell))


def _cells(sweep: SweepFolder) -> Iterator[RecordedCell]:
    for name in scan.cell_folders(sweep.folder)[0]:
        folder = sweep.folder / name
        repeats, foreign = scan.repeats_in(folder)
        own = sorted(path for path in folder.glob("[1-9]*.json") if path.name not in foreign)
        if own:
            yield RecordedCell(sweep=sweep, cell=name, records=len(repeats), files=tuple(own))


def remove(cells: Sequence[RecordedCell]) -> None:
    """Remove these records, and the folders of cells that have nothing else; no sweep may run.

    Raises:
        UsageError: a sweep is running there.
        RecordError: a file cannot be removed.
    """
    for sweep in {one.sweep.folder: one.sweep for one in cells}.values():
        top = sweep.folder.resolve().parent.parent
        with Store(top, sweep.matrix, sweep.machine).lock():
            for one in cells:
                if one.sweep.folder == sweep.folder:
                    _remove(one)


def _remove(cell: RecordedCell) -> None:
    folder = cell.files[0].parent
    with on_disk(folder):
        for path in cell.files:
            path.unlink(missing_ok=True)
        durable.sync_folder(folder)
    # Something that is no record may lie there; it is not ours to remove.
    with suppress(OSError):
        folder.rmdir()
