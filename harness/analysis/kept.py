"""Tables kept as Parquet files beside the records, each under the key of what it was made from.

The records are the truth. A table answers only where everything in its key is as it was: the
records and the plan by their stamps, the machine's description and the code by their content.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from harness import stamps
from harness.analysis.columns import Column, frame_of
from harness.results import durable
from harness.results.scan import MACHINE, PLAN, SweepFolder
from harness.stamps import Stamp

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

_KEY = b"harness"
_PACKAGE = Path(__file__).resolve().parent.parent
_CODE = ("analysis/*.py", "results/*.py", "protocol/axes.py", "stamps.py")
"""What decides how records become rows."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """What a table of one sweep is made from.

    `names` are the folders' names, which are those of matrix and machine. `code`, `hardware` and
    `records` are digests, `plan` is a stamp: empty where there is no plan. `records` is empty and
    `plan` None where they may change without a trace, or are too few to keep anything.
    """

    names: tuple[str, str]
    code: str
    hardware: str
    plan: Stamp | tuple[()] | None
    records: str

    @property
    def lasts(self) -> bool:
        """Whether an equal key later on means that nothing has changed."""
        return bool(self.records) and self.plan is not None


def key_of(sweep: SweepFolder, records: str) -> Key:
    """The key of what would be made now of a sweep whose records have this digest."""
    plan = sweep.folder / PLAN
    return Key(
        names=(sweep.matrix, sweep.machine),
        code=_code(),
        hardware=_digest(sweep.folder / MACHINE),
        plan=stamps.of(plan) if plan.exists() else (),
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


def read(path: Path, key: Key, columns: Sequence[Column]) -> pd.DataFrame | None:
    """The table of this very key, with these columns; None if there is none to be used."""
    return read_if(path, lambda its: its == key, columns) if key.lasts else None


def read_if(
    path: Path, fits: Callable[[Key], bool], columns: Sequence[Column]
) -> pd.DataFrame | None:
    """The table with these columns if its key fits; None if there is none to be used."""
    if not path.exists():
        return None
    # Anybody may have damaged these bytes: whatever the reader makes of them, there is no table.
    try:
        with _opened(path) as file:
            return frame_of(_frame(_content(file)), columns) if fits(_key_in(file)) else None
    except Exception:
        return None


def _opened(path: Path) -> pyarrow.parquet.ParquetFile:
    """The file; its texts come as what differs and codes, and damage is noticed."""
    import pyarrow.parquet

    schema = pyarrow.parquet.read_schema(path)
    texts = [field.name for field in schema if pyarrow.types.is_string(field.type)]
    return pyarrow.parquet.ParquetFile(path, page_checksum_verification=True, read_dictionary=texts)


def _key_in(file: pyarrow.parquet.ParquetFile) -> Key:
    """The key that the table was written under."""
    known = json.loads(file.schema_arrow.metadata[_KEY])
    # JSON has no tuples.
    plan = None if known["plan"] is None else tuple(known["plan"])
    return Key(**{**known, "names": tuple(known["names"]), "plan": plan})


def _content(file: pyarrow.parquet.ParquetFile) -> pyarrow.Table:
    """The table, each column in one piece."""
    return file.read().unify_dictionaries().combine_chunks()


def _frame(table: pyarrow.Table) -> pd.DataFrame:
    """The table as a frame whose equal texts are one object: quick to make and to compare."""
    import pyarrow

    texts = [field.name for field in table.schema if pyarrow.types.is_dictionary(field.type)]
    lists = [field.name for field in table.schema if pyarrow.types.is_list(field.type)]
    found = table.drop_columns([*texts, *lists]).to_pandas()
    found = found.assign(**{name: _texts(table[name]) for name in texts})
    found = found.assign(**{name: table[name].to_pylist() for name in lists})
    whole: pd.DataFrame = found[table.column_names]
    return whole


def _texts(chunks: pyarrow.ChunkedArray) -> pd.Series[str]:
    if not len(chunks):
        return pd.Series([], dtype=pd.StringDtype("python"))
    column = chunks.chunk(0)
    words = np.array([*column.dictionary.to_pylist(), pd.NA], dtype=object)
    codes = column.indices.fill_null(len(words) - 1).to_numpy(zero_copy_only=False)
    told: pd.Series[str] = pd.Series(words[codes], dtype=pd.StringDtype("python"))
    return told


def write(path: Path, table: pd.DataFrame, key: Key) -> None:
    """Keep a table under its key, where the folder can be written."""
    # Results may lie where only reading is allowed, and the next command can do without.
    with suppress(OSError, ValueError):
        whole = _serialised(table, json.dumps(dataclasses.asdict(key)))
        durable.write(path, [whole], partial=path.parent / durable.PARTIAL)


def _serialised(table: pd.DataFrame, key: str) -> bytes:
    import pyarrow
    import pyarrow.parquet

    whole = pyarrow.Table.from_pandas(table, preserve_index=False)
    marked = whole.replace_schema_metadata({**whole.schema.metadata, _KEY: key})
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(marked, sink, write_page_checksum=True)
    written: bytes = sink.getvalue().to_pybytes()
    return written
