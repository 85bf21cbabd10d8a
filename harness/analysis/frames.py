"""The run table and the cell table of a results folder.

Both are kept beside the records (`index`, `kept`), so that only what changed is read again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.analysis import hardware, index, kept
from harness.analysis.cells import by_cell, classed
from harness.analysis.columns import CELL_COLUMNS, RUN_COLUMNS, Column, frame_of
from harness.analysis.kept import Key
from harness.analysis.rows import Row, of_plan, of_record
from harness.errors import RecordError
from harness.results import inventory
from harness.results.ahead import Look
from harness.results.inventory import Found
from harness.results.reading import read_record
from harness.results.scan import SweepFolder, note_foreign, sweeps

_STAMPED: tuple[Column, ...] = (
    *RUN_COLUMNS,
    *(Column(name=name, dtype="Int64", sentence="") for name in (*index.FILE, *index.FOLDER)),
)
_AT_ONCE = 10_000
"""So many rows are Python objects at a time; in a frame they take a tenth of the memory."""


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


def cells(
    folder: str | Path, columns: Sequence[str], look: Look = inventory.seen
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The cell table of `runs`, and these columns of `runs`; much quicker than the whole.

    Raises:
        UsageError, RecordError: as `runs`.
    """
    found = sweeps(folder)
    if len({(sweep.matrix, sweep.machine) for sweep in found}) < len(found):
        # A folder and a link to it: the cells of both are the same ones.
        whole = runs(folder, look)
        return by_cell(whole), whole[list(columns)]
    tables = [_cells(sweep, columns, _key(sweep, look)) for sweep in found]
    its_cells, its_runs = ([pair[place] for pair in tables] for place in (0, 1))
    joined = its_cells[0] if len(found) == 1 else classed(_joined(its_cells))
    return joined, _joined(its_runs)


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
        table, lasting = _read_again(sweep, key)
    return _labelled(table, sweep, RUN_COLUMNS), lasting


def _cells(
    sweep: SweepFolder, columns: Sequence[str], key: Key
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The cell table of one sweep and columns of its run table."""
    path = sweep.folder / kept.CELLS
    table = kept.read(path, key)
    its_runs = None if table is None else kept.read(sweep.folder / index.NAME, key, columns)
    if table is not None and its_runs is not None:
        told = [column for name in columns for column in RUN_COLUMNS if column.name == name]
        return _labelled(table, sweep, CELL_COLUMNS), _labelled(its_runs, sweep, told)
    whole, lasting = _runs(sweep, key)
    table = by_cell(whole)
    if lasting is not None and lasting.lasts:
        kept.write(path, table, lasting, {})
    return table, whole[list(columns)]


def _read_again(sweep: SweepFolder, key: Key) -> tuple[pd.DataFrame, Key | None]:
    """The table with its stamps: from its index as far as that holds, which is then made anew."""
    known = index.read(sweep.folder, key)
    found = inventory.look(sweep.folder, known.inventory if known else inventory.EMPTY)
    described = hardware.read(sweep.folder)
    cpus = described.cpus if described else None
    records = _frame(_read(sweep, found, cpus))
    if known is not None:
        records = pd.concat([known.kept(found), records], ignore_index=True)
    table = _assembled(sweep, records.sort_values(["cell", "repeat"], ignore_index=True), cpus)
    return table, index.write(sweep.folder, table, found, key)


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
