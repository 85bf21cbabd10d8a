"""The Parquet index of a sweep: its run table as last put together, beside the records.

The records are the truth. The index answers only for what has not changed since: records, folders
and plan by their stamps, the machine's description and the code by their content. Where it is
missing, damaged, of another harness, or cannot be written, the records are read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.analysis.columns import RUN_COLUMNS
from harness.results import durable, inventory
from harness.results.inventory import Found, Inventory, Stamp
from harness.results.scan import MACHINE, PLAN

if TYPE_CHECKING:
    import pyarrow

NAME = ".index.parquet"
"""Hidden, so that it is no foreign file among the cells."""

LEAST = 200
"""Fewer records are read as quickly as their index would be."""

FILE = ("file_bytes", "file_modified_ns", "file_changed_ns")
FOLDER = ("folder_bytes", "folder_modified_ns", "folder_changed_ns")
"""The index has the columns of the run table and then these; missing in rows without a record."""

_KEY = b"harness"
_TEXTS = [column.name for column in RUN_COLUMNS if column.dtype == "string"]
_PACKAGE = Path(__file__).resolve().parent.parent
_CODE = ("analysis/*.py", "results/*.py", "matrix/axes.py")
"""What decides how records become rows."""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What a run table is made from, apart from the records.

    `code` and `machine` are digests, `plan` a stamp: empty where there is no plan, None where it
    may change without a trace.
    """

    code: str
    machine: str
    plan: Stamp | tuple[()] | None


@dataclass(frozen=True, kw_only=True)
class Index:
    """A run table as kept, with its stamps.

    `places` are the rows that have a record; `inventory` has those records in the same order.
    """

    table: pd.DataFrame
    places: npt.NDArray[np.intp]
    inventory: Inventory
    plan: Stamp | tuple[()]

    def is_current(self, found: Found, sources: Sources) -> bool:
        """Whether everything is as it was when this was made."""
        return (
            sources.plan == self.plan
            and not found.anew
            and len(found.kept) == len(self.places)
            and found.folders == self.inventory.folders
        )

    def kept(self, found: Found) -> pd.DataFrame:
        """The rows of the records that are as they were, with their folders' stamps of now."""
        rows: pd.DataFrame = self.table.take(self.places[np.asarray(found.kept, dtype=np.intp)])
        for place, name in enumerate(FOLDER):
            values = [found.folders[cell][place] for cell in rows["cell"]]
            rows[name] = pd.array(values, dtype="Int64")
        return rows


def sources(folder: Path) -> Sources:
    """What the run table of the sweep in `folder` would be made from now."""
    plan = folder / PLAN
    return Sources(
        code=_code(),
        machine=_digest(folder / MACHINE),
        plan=inventory.stamp_of(plan) if plan.exists() else (),
    )


@cache
def _code() -> str:
    whole = hashlib.sha256(pd.__version__.encode())
    for pattern in _CODE:
        for path in sorted(_PACKAGE.glob(pattern)):
            whole.update(path.read_bytes())
    return whole.hexdigest()


def _digest(path: Path) -> str:
    with suppress(OSError):
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return ""


def read(folder: Path, sources: Sources) -> Index | None:
    """The index in a sweep's folder; None if there is none, or none that can be used.

    It may be of an older plan or of other records: `is_current` and `inventory` tell.
    """
    path = folder / NAME
    if not path.exists():
        return None
    try:
        return _read(path, sources)
    # Anybody may have damaged these bytes: whatever the reader makes of them, there is no index.
    except Exception:
        return None


def _read(path: Path, sources: Sources) -> Index | None:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(
        path, page_checksum_verification=True, read_dictionary=_TEXTS
    ) as file:
        told = json.loads(file.schema_arrow.metadata[_KEY])
        if (told["code"], told["machine"]) != (sources.code, sources.machine):
            return None
        table = file.read().unify_dictionaries().combine_chunks()
    places = np.flatnonzero(table[FILE[0]].is_valid().to_numpy())
    return Index(
        table=_frame(table),
        places=places,
        inventory=_inventory(table.select(["cell", "repeat", *FILE, *FOLDER]).take(places), told),
        plan=tuple(told["plan"]),
    )


def _frame(table: pyarrow.Table) -> pd.DataFrame:
    """The table as a frame whose equal texts are one object: quick to make and to compare."""
    numbers = table.drop_columns(_TEXTS).to_pandas()
    texts = {name: _texts(table[name].chunk(0)) for name in _TEXTS if len(table)}
    frame: pd.DataFrame = numbers.assign(**texts)[table.column_names]
    return frame


def _texts(column: pyarrow.DictionaryArray) -> pd.Series[str]:
    words = np.array([*column.dictionary.to_pylist(), pd.NA], dtype=object)
    codes = column.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False)
    told: pd.Series[str] = pd.Series(words[codes], dtype=pd.StringDtype("python"))
    return told


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


def write(folder: Path, table: pd.DataFrame, found: Found, sources: Sources) -> None:
    """Keep a run table with its stamps, where that pays and the folder can be written."""
    if sources.plan is None or table[FILE[0]].count() < LEAST:
        return
    # Results may lie where only reading is allowed, and the next command can do without.
    with suppress(OSError):
        content = _serialised(table, found, sources)
        durable.write(folder / NAME, [content], partial=folder / durable.PARTIAL)


def _serialised(table: pd.DataFrame, found: Found, sources: Sources) -> bytes:
    import pyarrow
    import pyarrow.parquet

    recorded = set(table.loc[table[FILE[0]].notna(), "cell"])
    told = {
        "code": sources.code,
        "machine": sources.machine,
        "plan": sources.plan,
        "bare": {name: stamp for name, stamp in found.folders.items() if name not in recorded},
        "foreign": found.foreign,
    }
    whole = pyarrow.Table.from_pandas(table, preserve_index=False)
    marked = whole.replace_schema_metadata({**whole.schema.metadata, _KEY: json.dumps(told)})
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(marked, sink, write_page_checksum=True)
    content: bytes = sink.getvalue().to_pybytes()
    return content
