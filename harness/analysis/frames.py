"""The tables of a results folder: kept beside the records, made anew where those changed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import pandas as pd

from harness.analysis import axis_table, class_table, index, kept
from harness.analysis.cell_table import by_cell, classed
from harness.analysis.columns import (
    CELL_COLUMNS,
    CLASS_COLUMNS,
    EFFECT_COLUMNS,
    RUN_COLUMNS,
    Column,
    frame_of,
)
from harness.analysis.kept import Key
from harness.analysis.tallies import TALLY_COLUMNS, tally
from harness.results import inventory
from harness.results.ahead import Look
from harness.results.inventory import Seen
from harness.results.scan import SweepFolder, note_foreign, sweeps

Make = Callable[[], pd.DataFrame]


def runs(folder: str | Path) -> pd.DataFrame:
    """One row per planned cell and repeat of every sweep below `folder`; see `RUN_COLUMNS`.

    Sorted by matrix and machine, then in the order of the matrix. Records that no plan asks for
    come last in their sweep, with `planned` False; so do records of cells that the plan by now
    excludes or cannot run, which have their planned row as well.

    Raises:
        UsageError: there are no results in this folder.
        RecordError: a record or a plan is unreadable or of another schema.
    """
    return Results(folder).runs


class Results:
    """The tables of a results folder; each is what its function makes of `runs`, only sooner.

    Files are looked at once, when the first table is asked for.

    Raises:
        UsageError: there are no results in this folder.
        RecordError: (by every table) a record or a plan is unreadable or of another schema.
    """

    def __init__(self, folder: str | Path, look: Look = inventory.seen) -> None:
        self._sweeps = [_Sweep(sweep, look) for sweep in sweeps(folder)]

    @cached_property
    def runs(self) -> pd.DataFrame:
        """The run table."""
        return _joined([sweep.runs for sweep in self._sweeps])

    @cached_property
    def tally(self) -> pd.DataFrame:
        """`tallies.tally`, the rows of one sweep after those of another."""
        if self._has_twins:
            return tally(self.runs)
        return _joined([sweep.tally for sweep in self._sweeps])

    @cached_property
    def cells(self) -> pd.DataFrame:
        """`cells.by_cell`."""
        if len(self._sweeps) == 1:
            return self._sweeps[0].cells
        if self._has_twins:
            return by_cell(self.runs)
        return classed(_joined([sweep.cells for sweep in self._sweeps]))

    @cached_property
    def classes(self) -> pd.DataFrame:
        """`class_table.by_class`."""
        alone = len(self._sweeps) == 1
        return self._sweeps[0].classes if alone else class_table.of_cells(self.cells)

    @cached_property
    def axes(self) -> pd.DataFrame:
        """`axis_table.by_axis`."""
        return self._sweeps[0].axes if len(self._sweeps) == 1 else axis_table.of_cells(self.cells)

    @property
    def _has_twins(self) -> bool:
        """Whether there are a folder and a link to it: the cells of both are the same ones."""
        return len({sweep.names for sweep in self._sweeps}) < len(self._sweeps)


class _Sweep:
    """The same of one sweep: what is kept is read, the rest is made and kept."""

    def __init__(self, sweep: SweepFolder, look: Look) -> None:
        self._sweep = sweep
        self._look = look
        self.names = (sweep.matrix, sweep.machine)

    @cached_property
    def _seen(self) -> Seen:
        """The records as they are now; says what is no record."""
        seen = self._look(self._sweep.folder)
        note_foreign(self._sweep.folder, seen.foreign)
        return seen

    @cached_property
    def _key(self) -> Key:
        """What the tables would be made from now."""
        # Of a few records nobody could have kept anything: what lies there is not believed.
        enough = self._seen.count >= index.LEAST
        return kept.key_of(self._sweep, self._seen.digest if enough else "")

    @cached_property
    def runs(self) -> pd.DataFrame:
        table = kept.read(self._sweep.folder / index.NAME, self._key, index.COLUMNS)
        if table is None:
            # What reads records takes a while to import.
            from harness.analysis import assembling

            table, self._key = assembling.read_again(self._sweep, self._seen, self._key)
        return frame_of(self._labelled(table), RUN_COLUMNS)

    @cached_property
    def tally(self) -> pd.DataFrame:
        return self._kept("tally", TALLY_COLUMNS, lambda: tally(self.runs))

    @cached_property
    def cells(self) -> pd.DataFrame:
        return self._kept("cells", CELL_COLUMNS, lambda: by_cell(self.runs))

    @cached_property
    def classes(self) -> pd.DataFrame:
        return self._kept("classes", CLASS_COLUMNS, lambda: class_table.of_cells(self.cells))

    @cached_property
    def axes(self) -> pd.DataFrame:
        return self._kept("axes", EFFECT_COLUMNS, lambda: axis_table.of_cells(self.cells))

    def _kept(self, name: str, columns: tuple[Column, ...], make: Make) -> pd.DataFrame:
        path = self._sweep.folder / f".{name}.parquet"
        table = kept.read(path, self._key, columns)
        if table is None:
            table = make()
            if self._key.lasts:
                kept.write(path, table, self._key)
        return table

    def _labelled(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table as of this sweep: folders name matrix and machine, whoever made the records."""
        labels = zip(("matrix", "machine"), self.names, strict=True)
        columns = {name: pd.array([label] * len(table), dtype="string") for name, label in labels}
        labelled: pd.DataFrame = table.assign(**columns)
        return labelled


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    return tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)
