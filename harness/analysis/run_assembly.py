"""A sweep's run table put together from its plan, its records, and its index as far as it holds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.analysis import hardware, run_index
from harness.analysis.columns import frame_of
from harness.analysis.run_index import Index
from harness.analysis.run_rows import Row, of_plan, of_record
from harness.errors import RecordError
from harness.results.reading import read_record
from harness.results.record_stamps import Name
from harness.results.scan import SweepFolder
from harness.stamps import Stamp

_AT_ONCE = 10_000
"""So many rows are Python objects at a time; in a frame they take a tenth of the memory."""

_NO_STAMP: Stamp = (-1, -1, -1)
"""Stands in the index for the stamp of what may change without a trace; no file has it."""

Stamps = Mapping[Name, Stamp | None]


def run_table(sweep: SweepFolder, present: Stamps, index: Index | None) -> pd.DataFrame:
    """The run table of a sweep with the stamps of its records; see `run_index.COLUMNS`.

    No record is opened that is in the index as it still is.

    Raises:
        RecordError: a record or the plan is unreadable or of another schema.
    """
    described = hardware.read(sweep.folder)
    cpus = described.cpus if described else None
    unchanged, changed = _divided(present, index)
    records = _frame(_rows(sweep, changed, cpus))
    if unchanged is not None:
        records = pd.concat([unchanged, records], ignore_index=True)
    return _planned(sweep, records.sort_values(["cell", "repeat"], ignore_index=True), cpus)


def _divided(present: Stamps, index: Index | None) -> tuple[pd.DataFrame | None, Stamps]:
    """The rows of the records that are as they were, and the stamps of those to be read."""
    if index is None:
        return None, present
    stamps = index.stamps
    unchanged = {
        name for name, stamp in present.items() if stamp is not None and stamps.get(name) == stamp
    }
    changed = {name: stamp for name, stamp in present.items() if name not in unchanged}
    return index.recorded[[name in unchanged for name in stamps]], changed


def _frame(rows: Iterator[Row]) -> pd.DataFrame:
    """A frame of rows that come as a stream; what a row does not have is missing."""
    texts: dict[object, object] = {}
    parts = [_part([], texts)]
    while chunk := list(itertools.islice(rows, _AT_ONCE)):
        parts.append(_part(chunk, texts))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _part(rows: list[Row], texts: dict[object, object]) -> pd.DataFrame:
    """A frame of these rows; equal texts are one object, the one in `texts`."""
    columns: dict[str, pd.Series[Any]] = {}
    for column in run_index.COLUMNS:
        values = [row.get(column.name) for row in rows]
        if column.dtype == "string":
            values = [texts.setdefault(value, value) for value in values]
        # Without the dtype pandas would make texts of its own, one per row.
        columns[column.name] = pd.Series(values, dtype="object")
    return frame_of(columns, run_index.COLUMNS)


def _rows(sweep: SweepFolder, stamps: Stamps, cpus: int | None) -> Iterator[Row]:
    """The rows of these records, each with its stamp."""
    for (cell, repeat), stamp in stamps.items():
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
        yield {
            **row,
            **dict(zip(run_index.STAMP, stamp or _NO_STAMP, strict=True)),
            "planned": False,
        }


def _planned(sweep: SweepFolder, records: pd.DataFrame, cpus: int | None) -> pd.DataFrame:
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
    cell = np.array([places.get(cell, -1) for cell in records["cell"].tolist()], dtype=np.intp)
    repeat = records["repeat"].to_numpy(dtype=np.intp)
    is_planned = (cell >= 0) & (repeat <= repeats)
    order = np.repeat(np.arange(len(asked), dtype=np.intp), repeats)
    recorded = np.arange(len(asked), len(asked) + len(records), dtype=np.intp)
    order[(cell * repeats + repeat - 1)[is_planned]] = recorded[is_planned]
    return np.concatenate([order, recorded[~is_planned]])
