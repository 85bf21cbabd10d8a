"""The Parquet index of a sweep: its run table as last put together, beside the records.

Where not everything is as it was (`kept.read` tells), it still answers for the records that are;
only the others are read. Where it is missing, damaged, of another harness, or cannot be written,
all are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from harness.analysis import kept
from harness.analysis.columns import RUN_COLUMNS, Column
from harness.analysis.kept import Key
from harness.results import inventory
from harness.results.inventory import TOO_RECENT, Name, Seen
from harness.stamps import Stamp

NAME = ".index.parquet"
"""Hidden, so that it is no foreign file among the cells."""

LEAST = 200
"""Fewer records are read as quickly as their index would be."""

FILE = ("file_bytes", "file_modified_ns", "file_changed_ns")
"""Columns of the index for the stamps of records; missing in rows without one."""

COLUMNS: tuple[Column, ...] = (
    *RUN_COLUMNS,
    *(Column(name=name, dtype="Int64", sentence="") for name in FILE),
)


@dataclass(frozen=True, kw_only=True)
class Found:
    """The rows of the records that are as they were, and the stamps of those to be read, sorted."""

    same: pd.DataFrame | None
    anew: Mapping[Name, Stamp]


def compared(folder: Path, seen: Seen, key: Key) -> Found:
    """What the index in a sweep's folder, if any, still answers for."""

    def fits(its: Key) -> bool:
        return (its.code, its.hardware) == (key.code, key.hardware)

    table = kept.read_if(folder / NAME, fits, COLUMNS)
    if table is None:
        return Found(same=None, anew=dict(seen.records()))
    recorded = table[table[FILE[0]].notna()]
    names = _names(recorded)
    known = dict(zip(names, recorded[[*FILE]].to_numpy(np.int64).tolist(), strict=True))
    now = dict(seen.records())
    anew = {
        name: stamp
        for name, stamp in now.items()
        if stamp == TOO_RECENT or known.get(name) != [*stamp]
    }
    same = [name in now and name not in anew for name in names]
    return Found(same=recorded[same], anew=anew)


def _names(recorded: pd.DataFrame) -> list[Name]:
    return list(zip(recorded["cell"].tolist(), recorded["repeat"].tolist(), strict=True))


def write(folder: Path, table: pd.DataFrame, key: Key) -> Key:
    """Keep a run table with its stamps, where that pays; the key it has.

    That is `key` with the records as they were when they were looked at for this table.
    """
    recorded = table[table[FILE[0]].notna()]
    if key.plan is None or len(recorded) < LEAST:
        return replace(key, records="")
    key = replace(key, records=_seen(recorded).digest)
    kept.write(folder / NAME, table, key)
    return key


def _seen(recorded: pd.DataFrame) -> Seen:
    rows: dict[str, list[int]] = {}
    ordered = recorded.sort_values(["cell", "repeat"])
    numbers = ordered[["repeat", *FILE]].to_numpy(dtype=np.int64).tolist()
    for cell, its in zip(ordered["cell"].tolist(), numbers, strict=True):
        rows.setdefault(cell, []).extend(its)
    return inventory.of_rows(rows.items())
