"""The run table: a results folder as a DataFrame."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.analysis import hardware, index
from harness.analysis.columns import RUN_COLUMNS, Column, frame_of
from harness.analysis.rows import Row, of_plan, of_record
from harness.errors import RecordError
from harness.results import inventory
from harness.results.inventory import Found
from harness.results.reading import read_record
from harness.results.scan import SweepFolder, sweeps

_STAMPED: tuple[Column, ...] = (
    *RUN_COLUMNS,
    *(Column(name=name, dtype="Int64", sentence="") for name in (*index.FILE, *index.FOLDER)),
)
_AT_ONCE = 10_000
"""So many rows are Python objects at a time; in a frame they take a tenth of the memory."""


def runs(folder: str | Path) -> pd.DataFrame:
    """One row per planned cell and repeat of every sweep below `folder`; see `RUN_COLUMNS`.

    Sorted by matrix and machine, then in the order of the matrix. Records that no plan asks for
    come last in their sweep, with `planned` False; so do records of cells that the plan by now
    excludes or cannot run, which have their planned row as well.

    Raises:
        UsageError: there are no results in this folder.
        RecordError: a record or a plan is unreadable or of another schema.
    """
    tables = [_labelled(_of_sweep(sweep), sweep) for sweep in sweeps(folder)]
    return frame_of(_joined(tables), RUN_COLUMNS)


def _labelled(table: pd.DataFrame, sweep: SweepFolder) -> pd.DataFrame:
    """The table as of this sweep: the folders name matrix and machine, whoever made the records."""
    labelled: pd.DataFrame = table.assign(
        matrix=pd.array([sweep.matrix] * len(table), dtype="string"),
        machine=pd.array([sweep.machine] * len(table), dtype="string"),
    )
    return labelled


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    return tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)


def _of_sweep(sweep: SweepFolder) -> pd.DataFrame:
    """The table of one sweep with its stamps: from its index as far as that still holds."""
    sources = index.sources(sweep.folder)
    known = index.read(sweep.folder, sources)
    found = inventory.look(sweep.folder, known.inventory if known else inventory.EMPTY)
    if known is not None and known.is_current(found, sources):
        return known.table
    described = hardware.read(sweep.folder)
    cpus = described.cpus if described else None
    records = _frame(_read(sweep, found, cpus))
    if known is not None:
        records = pd.concat([known.kept(found), records], ignore_index=True)
    table = _assembled(sweep, records.sort_values(["cell", "repeat"], ignore_index=True), cpus)
    index.write(sweep.folder, table, found, sources)
    return table


def _frame(rows: Iterator[Row]) -> pd.DataFrame:
    """A frame of rows that come as a stream; what a row does not have is missing."""
    words: dict[object, object] = {}
    parts = [_part([], words)]
    while chunk := list(itertools.islice(rows, _AT_ONCE)):
        parts.append(_part(chunk, words))
    return _joined(parts[1:] or parts)


def _part(rows: list[Row], words: dict[object, object]) -> pd.DataFrame:
    """A frame of these rows; equal texts are one object, the one in `words`."""
    columns: dict[str, pd.Series[Any]] = {}
    for column in _STAMPED:
        values = [row.get(column.name) for row in rows]
        if column.dtype == "string":
            values = [words.setdefault(value, value) for value in values]
        # Without the dtype pandas would make texts of its own, one per row.
        columns[column.name] = pd.Series(values, dtype="object")
    return frame_of(columns, _STAMPED)


def _read(sweep: SweepFolder, found: Found, cpus: int | None) -> Iterator[Row]:
    """The rows of the records that no index answers for."""
    for (cell, repeat), stamp in found.anew.items():
        path = sweep.folder / cell / f"{repeat}.json"
        record = read_record(path)
        if record is None:
            continue
        try:
            row = of_record(record, cpus)
        except (ValueError, OverflowError) as error:
            raise RecordError(
                f"{path}: a loss or metric is no number in hexadecimal ({error}); "
                "move the file out of the folder, and harness run makes it again"
            ) from error
        stamps = zip((*index.FILE, *index.FOLDER), (*stamp, *found.folders[cell]), strict=True)
        yield {**row, **dict(stamps), "planned": False}


def _assembled(sweep: SweepFolder, records: pd.DataFrame, cpus: int | None) -> pd.DataFrame:
    """The planned runs in the order of the plan, each with its record if there is one; the rest.

    What the plan says will not run is answered by the plan: a record is an older one.
    """
    plan = sweep.plan()
    if plan is None:
        return records
    header, cells = plan
    asked = _frame(of_plan(cell, header.defaults, cpus) for cell in cells)
    order = _order(asked, records, header.repeats)
    table: pd.DataFrame = (
        pd.concat([asked, records], ignore_index=True).take(order).reset_index(drop=True)
    )
    planned = len(asked) * header.repeats
    repeats = np.tile(np.arange(1, header.repeats + 1), len(asked))
    rest = table["repeat"].iloc[planned:].to_numpy(dtype=np.int64)
    table["repeat"] = pd.array(np.concatenate([repeats, rest]), dtype="Int64")
    table["planned"] = np.arange(len(table)) < planned
    return table


def _order(asked: pd.DataFrame, records: pd.DataFrame, repeats: int) -> npt.NDArray[np.intp]:
    """Which rows of `asked` and then `records` make up the table: the planned runs, the rest."""
    open_cells = asked["cell"][asked["status"] == "pending"]
    # Of cells planned twice the first one gets the records.
    places = {cell: place for place, cell in reversed(list(open_cells.items()))}
    cell = np.array([places.get(cell, -1) for cell in records["cell"]], dtype=np.intp)
    repeat = records["repeat"].to_numpy(dtype=np.intp)
    is_planned = (cell >= 0) & (repeat <= repeats)
    order = np.repeat(np.arange(len(asked), dtype=np.intp), repeats)
    recorded = np.arange(len(asked), len(asked) + len(records), dtype=np.intp)
    order[(cell * repeats + repeat - 1)[is_planned]] = recorded[is_planned]
    return np.concatenate([order, recorded[~is_planned]])
