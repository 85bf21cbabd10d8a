"""The run table and the cell table of a results folder.

Both are kept beside the records (`index`, `kept`), so that only what changed is read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from harness.analysis import index, kept
from harness.analysis.cells import by_cell, classed
from harness.analysis.columns import CELL_COLUMNS, RUN_COLUMNS, Column, frame_of
from harness.analysis.kept import Key
from harness.analysis.tallies import TALLY_COLUMNS, tally
from harness.results import inventory
from harness.results.ahead import Look
from harness.results.scan import SweepFolder, note_foreign, sweeps


def runs(folder: str | Path, look: Look = inventory.seen) -> pd.DataFrame:
    """One row per planned cell and repeat of every sweep below `folder`; see `RUN_COLUMNS`.

    Sorted by matrix and machine, then in the order of the matrix. Records that no plan asks for
    come last in their sweep, with `planned` False; so do records of cells that the plan by now
    excludes or cannot run, which have their planned row as well.

    Raises:
        UsageError: there are no results in this folder.
        RecordError: a record or a plan is unreadable or of another schema.
    """
    return _joined([_runs(sweep, _key(sweep, look))[0] for sweep in sweeps(folder)])


def cells(folder: str | Path, look: Look = inventory.seen) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The cell table of `runs`, and the tally of `runs`; much quicker than by way of them.

    Raises:
        UsageError, RecordError: as `runs`.
    """
    found = sweeps(folder)
    if len({(sweep.matrix, sweep.machine) for sweep in found}) < len(found):
        # A folder and a link to it: the cells of both are the same ones.
        whole = runs(folder, look)
        return by_cell(whole), tally(whole)
    tables = [_cells(sweep, _key(sweep, look)) for sweep in found]
    its_cells, its_tallies = ([pair[place] for pair in tables] for place in (0, 1))
    joined = its_cells[0] if len(found) == 1 else classed(_joined(its_cells))
    return joined, _joined(its_tallies)


def _key(sweep: SweepFolder, look: Look) -> Key:
    """What the tables of a sweep would be made from now; says what is no record."""
    seen = look(sweep.folder)
    note_foreign(sweep.folder, seen.foreign)
    return kept.key_of(sweep.folder, seen.records)


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    return tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)


def _labelled(table: pd.DataFrame, sweep: SweepFolder, columns: Sequence[Column]) -> pd.DataFrame:
    """These columns as of this sweep: folders name matrix and machine, whoever made the records."""
    labels = {"matrix": sweep.matrix, "machine": sweep.machine}
    labelled = table.assign(
        **{name: pd.array([label] * len(table), dtype="string") for name, label in labels.items()}
    )
    return frame_of(labelled, columns)


def _runs(sweep: SweepFolder, key: Key) -> tuple[pd.DataFrame, Key | None]:
    """The run table of one sweep, and the key under which it is kept, None if it is not."""
    table = kept.read(sweep.folder / index.NAME, key)
    lasting: Key | None = key
    if table is None:
        # What reads records takes a while to import.
        from harness.analysis import assembling

        table, lasting = assembling.read_again(sweep, key)
    return _labelled(table, sweep, RUN_COLUMNS), lasting


def _cells(sweep: SweepFolder, key: Key) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The cell table of one sweep and the tally of its runs."""
    names = (kept.CELLS, kept.TALLY)
    cells, counts = (kept.read(sweep.folder / name, key) for name in names)
    if cells is None or counts is None:
        whole, lasting = _runs(sweep, key)
        cells, counts = by_cell(whole), tally(whole)
        if lasting is not None and lasting.lasts:
            for name, table in zip(names, (cells, counts), strict=True):
                kept.write(sweep.folder / name, table, lasting)
    return _labelled(cells, sweep, CELL_COLUMNS), _labelled(counts, sweep, TALLY_COLUMNS)
