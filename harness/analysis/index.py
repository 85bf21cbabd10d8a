"""The Parquet index of a sweep: its run table as last put together, beside the records.

Where not everything is as it was (`kept.read` tells), it still answers for the records that are;
only the others are read. Where it is missing, damaged, of another harness, or cannot be written,
all are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.analysis import kept
from harness.analysis.kept import Key
from harness.results import inventory
from harness.results.inventory import Found, Inventory

if TYPE_CHECKING:
    import pyarrow

NAME = ".index.parquet"
"""Hidden, so that it is no foreign file among the cells."""

LEAST = 200
"""Fewer records are read as quickly as their index would be."""

FILE = ("file_bytes", "file_modified_ns", "file_changed_ns")
FOLDER = ("folder_bytes", "folder_modified_ns", "folder_changed_ns")
"""The index has the columns of the run table and then these; missing in rows without a record."""


@dataclass(frozen=True, kw_only=True)
class Index:
    """A run table as kept, with its stamps.

    `places` are the rows that have a record; `inventory` has those records in the same order.
    """

    table: pd.DataFrame
    places: npt.NDArray[np.intp]
    inventory: Inventory

    def kept(self, found: Found) -> pd.DataFrame:
        """The rows of the records that are as they were, with their folders' stamps of now."""
        rows: pd.DataFrame = self.table.take(self.places[np.asarray(found.kept, dtype=np.intp)])
        stamps = [found.folders[cell] for cell in rows["cell"].tolist()]
        columns = np.array(stamps, dtype=np.int64).reshape(-1, len(FOLDER)).T
        for name, column in zip(FOLDER, columns, strict=True):
            rows[name] = pd.array(column, dtype="Int64")
        return rows


def read(folder: Path, key: Key) -> Index | None:
    """The index in a sweep's folder; None if there is none, or none that can be used.

    It may be of an older plan or of other records: its `inventory` tells.
    """
    path = folder / NAME
    if not path.exists():
        return None
    # Anybody may have damaged these bytes: whatever the reader makes of them, there is no index.
    try:
        return _read(path, key)
    except Exception:
        return None


def _read(path: Path, key: Key) -> Index | None:
    with kept.opened(path) as file:
        its, told = kept.key_in(file), kept.told(file)
        if (its.code, its.hardware) != (key.code, key.hardware):
            return None
        table = kept.content(file)
    places = np.flatnonzero(table[FILE[0]].is_valid().to_numpy())
    return Index(
        table=kept.frame(table),
        places=places,
        inventory=_inventory(table.select(["cell", "repeat", *FILE, *FOLDER]).take(places), told),
    )


def _inventory(records: pyarrow.Table, told: Mapping[str, Any]) -> Inventory:
    columns = {name: records[name].to_pylist() for name in records.column_names}
    stamps = {key: zip(*(columns[name] for name in key), strict=True) for key in (FILE, FOLDER)}
    bare = {name: tuple(stamp) for name, stamp in told["bare"].items()}
    return Inventory(
        names=list(zip(columns["cell"], columns["repeat"], strict=True)),
        stamps=list(stamps[FILE]),
        folders={**dict(zip(columns["cell"], stamps[FOLDER], strict=True)), **bare},
        foreign=told["foreign"],
    )


def write(folder: Path, table: pd.DataFrame, found: Found, key: Key) -> Key:
    """Keep a run table with its stamps, where that pays; the key it has.

    That is `key` with the records as they were when they were looked at for this table.
    """
    recorded = table[table[FILE[0]].notna()]
    if key.plan is None or len(recorded) < LEAST:
        return replace(key, records="")
    key = replace(key, records=_records(recorded))
    bare = found.folders.keys() - set(recorded["cell"])
    beside = {
        "bare": {name: found.folders[name] for name in sorted(bare)},
        "foreign": found.foreign,
    }
    kept.write(folder / NAME, table, key, beside)
    return key


def _records(recorded: pd.DataFrame) -> str:
    rows: dict[str, list[int]] = {}
    ordered = recorded.sort_values(["cell", "repeat"])
    numbers = ordered[["repeat", *FILE]].to_numpy(dtype=np.int64).tolist()
    for cell, its in zip(ordered["cell"].tolist(), numbers, strict=True):
        rows.setdefault(cell, []).extend(its)
    return inventory.digest(rows.items())
