"""Tables kept as Parquet files beside the records, each under the key of what it was made from.

The records are the truth. A table answers only where everything in its key is as it was: the
records and the plan by their stamps, the machine's description and the code by their content.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from harness.results import durable, inventory
from harness.results.inventory import Stamp
from harness.results.scan import MACHINE, PLAN

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

CELLS, TALLY = ".cells.parquet", ".tally.parquet"
"""The cell table and the tally of the runs; hidden, so that they are no foreign files."""

_KEY = b"harness"
_PACKAGE = Path(__file__).resolve().parent.parent
_CODE = ("analysis/*.py", "results/*.py", "matrix/axes.py")
"""What decides how records become rows."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """What a table of one sweep is made from.

    `code`, `machine` and `records` are digests, `plan` is a stamp: empty where there is no plan.
    `records` is empty and `plan` None where they may change without a trace.
    """

    code: str
    machine: str
    plan: Stamp | tuple[()] | None
    records: str

    @property
    def lasts(self) -> bool:
        """Whether an equal key later on means that nothing has changed."""
        return bool(self.records) and self.plan is not None


def key_of(folder: Path, records: str) -> Key:
    """The key of what would be made now of a sweep whose records have this digest."""
    plan = folder / PLAN
    return Key(
        code=_code(),
        machine=_digest(folder / MACHINE),
        plan=inventory.stamp_of(plan) if plan.exists() else (),
        records=records,
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


def read(path: Path, key: Key, columns: Sequence[str] | None = None) -> pd.DataFrame | None:
    """The table of this very key, or these columns of it; None if there is none to be used."""
    if not key.lasts or not path.exists():
        return None
    # Anybody may have damaged these bytes: whatever the reader makes of them, there is no table.
    try:
        with opened(path) as file:
            known = told(file)["key"]
            same = Key(**{**known, "plan": tuple(known["plan"])}) == key
            return frame(content(file, columns)) if same else None
    except Exception:
        return None


def opened(path: Path) -> pyarrow.parquet.ParquetFile:
    """The file; its texts come as what differs and codes, and damage is noticed."""
    import pyarrow.parquet

    schema = pyarrow.parquet.read_schema(path)
    texts = [field.name for field in schema if pyarrow.types.is_string(field.type)]
    return pyarrow.parquet.ParquetFile(path, page_checksum_verification=True, read_dictionary=texts)


def told(file: pyarrow.parquet.ParquetFile) -> dict[str, Any]:
    """What was written beside the table."""
    found: dict[str, Any] = json.loads(file.schema_arrow.metadata[_KEY])
    return found


def content(
    file: pyarrow.parquet.ParquetFile, columns: Sequence[str] | None = None
) -> pyarrow.Table:
    """The columns in one piece each."""
    wanted = None if columns is None else list(columns)
    return file.read(columns=wanted).unify_dictionaries().combine_chunks()


def frame(table: pyarrow.Table) -> pd.DataFrame:
    """The table as a frame whose equal texts are one object: quick to make and to compare."""
    import pyarrow

    texts = [field.name for field in table.schema if pyarrow.types.is_dictionary(field.type)]
    numbers = table.drop_columns(texts).to_pandas()
    told = {name: _texts(table[name].chunk(0)) for name in texts if len(table)}
    whole: pd.DataFrame = numbers.assign(**told)[table.column_names]
    return whole


def _texts(column: pyarrow.DictionaryArray) -> pd.Series[str]:
    words = np.array([*column.dictionary.to_pylist(), pd.NA], dtype=object)
    codes = column.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False)
    told: pd.Series[str] = pd.Series(words[codes], dtype=pd.StringDtype("python"))
    return told


def write(
    path: Path, table: pd.DataFrame, key: Key, beside: Mapping[str, Any] | None = None
) -> None:
    """Keep a table under its key, where the folder can be written; `told` gives `beside`."""
    # Results may lie where only reading is allowed, and the next command can do without.
    with suppress(OSError):
        whole = _serialised(table, {**(beside or {}), "key": dataclasses.asdict(key)})
        durable.write(path, [whole], partial=path.parent / durable.PARTIAL)


def _serialised(table: pd.DataFrame, beside: Mapping[str, Any]) -> bytes:
    import pyarrow
    import pyarrow.parquet

    whole = pyarrow.Table.from_pandas(table, preserve_index=False)
    marked = whole.replace_schema_metadata({**whole.schema.metadata, _KEY: json.dumps(beside)})
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(marked, sink, write_page_checksum=True)
    written: bytes = sink.getvalue().to_pybytes()
    return written
