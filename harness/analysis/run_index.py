"""The Parquet index of a sweep: its run table as last put together, beside the records.

The records are the truth. The index answers for the records whose stamps are as they were; only
the others are read. Where it is missing, damaged, of another harness, or cannot be written, all
are.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from harness import stamps
from harness.analysis import parameters
from harness.analysis.columns import RUN_COLUMNS, Column, frame_of
from harness.protocol import untrusted
from harness.results import durable
from harness.results.record_stamps import Name
from harness.results.scan import MACHINE, PLAN, SweepFolder
from harness.stamps import Stamp

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

NAME = ".index.parquet"
"""Hidden, so that it is no foreign file among the cells."""

LEAST = 200
"""Fewer records are read as quickly as their index would be."""

STAMP = ("file_bytes", "file_modified_ns", "file_changed_ns")
"""Columns of the index for the stamps of records; missing in rows without one."""

COLUMNS: tuple[Column, ...] = (
    *RUN_COLUMNS,
    parameters.TOGETHER,
    *(Column(name=name, dtype="Int64", sentence="") for name in STAMP),
)

_KEY = b"harness"
_MACHINE_BYTES = 16 << 20
_PACKAGE = Path(__file__).resolve().parent.parent
_CODE = (
    *("analysis/*.py", "results/*.py", "stamps.py"),
    *("protocol/axes.py", "protocol/histories.py", "runner/hashing.py"),
)
"""What decides how records become rows."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """What an index is made from, besides the records.

    `code` and `hardware` are digests. `plan` is a stamp: empty where there is no plan, None where
    the plan may change again without a trace.
    """

    code: str
    hardware: str
    plan: Stamp | tuple[()] | None

    def fits(self, other: Key) -> bool:
        """Whether rows of records made under the one are those made under the other."""
        return (self.code, self.hardware) == (other.code, other.hardware)


@dataclass(frozen=True, kw_only=True)
class Index:
    """An index as read: its run table, with the columns `COLUMNS`, and its key."""

    table: pd.DataFrame
    key: Key

    @property
    def recorded(self) -> pd.DataFrame:
        """The rows that come from a record."""
        recorded: pd.DataFrame = self.table[self.table[STAMP[0]].notna()]
        return recorded

    @property
    def stamps(self) -> dict[Name, Stamp]:
        """The stamp that each record had."""
        recorded = self.recorded
        names = zip(recorded["cell"].tolist(), recorded["repeat"].tolist(), strict=True)
        numbers = (recorded[name].tolist() for name in STAMP)
        return dict(zip(names, zip(*numbers, strict=True), strict=True))

    def is_current(self, key: Key, present: Mapping[Name, Stamp | None]) -> bool:
        """Whether nothing has changed since: neither a record, the plan nor this program."""
        return key.plan is not None and self.key == key and self.stamps == present


def key_of(sweep: SweepFolder) -> Key:
    """The key of an index made now."""
    plan = sweep.folder / PLAN
    return Key(
        code=_code(),
        hardware=_digest(sweep.folder / MACHINE),
        plan=stamps.of(plan) if plan.exists() else (),
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
        return hashlib.sha256(untrusted.read_regular(path, _MACHINE_BYTES)).hexdigest()
    return ""


def read(folder: Path, key: Key) -> Index | None:
    """The index in a sweep's folder; None if there is none whose rows `key` would give as well."""
    try:
        with untrusted.open_regular(folder / NAME) as file:
            return _read(file, key)
    # Anybody may have damaged these bytes: whatever the reader makes of them, there is no index.
    except Exception:
        return None


def _read(file: object, key: Key) -> Index | None:
    import pyarrow
    import pyarrow.parquet

    # Damage is noticed; texts come as their different values and a code per row.
    schema = pyarrow.parquet.read_schema(file)
    texts = [field.name for field in schema if pyarrow.types.is_string(field.type)]
    opened = pyarrow.parquet.ParquetFile(
        file, page_checksum_verification=True, read_dictionary=texts
    )
    its = _key_in(opened.schema_arrow.metadata)
    if not its.fits(key):
        return None
    table = opened.read().unify_dictionaries().combine_chunks()
    return Index(table=frame_of(_frame(table, texts), COLUMNS), key=its)


def _key_in(metadata: Mapping[bytes, bytes]) -> Key:
    fields = json.loads(metadata[_KEY])
    # JSON has no tuples.
    return Key(**{**fields, "plan": None if fields["plan"] is None else tuple(fields["plan"])})


def _frame(table: pyarrow.Table, texts: list[str]) -> pd.DataFrame:
    """The table as a frame whose equal texts are one object: quick to make and to compare."""
    frame = table.drop_columns(texts).to_pandas()
    columns = {name: _text_column(table[name]) for name in texts}
    whole: pd.DataFrame = pd.concat([frame, pd.DataFrame(columns, index=frame.index)], axis=1)
    return whole


def _text_column(chunks: pyarrow.ChunkedArray) -> pd.Series[str]:
    if not len(chunks):
        return pd.Series([], dtype=pd.StringDtype("python"))
    column = chunks.chunk(0)
    values = np.array([*column.dictionary.to_pylist(), pd.NA], dtype=object)
    codes = column.indices.fill_null(len(values) - 1).to_numpy(zero_copy_only=False)
    texts: pd.Series[str] = pd.Series(values[codes], dtype=pd.StringDtype("python"))
    return texts


def write(folder: Path, table: pd.DataFrame, key: Key) -> None:
    """Keep a run table with its stamps, where that pays and the folder can be written."""
    if key.plan is None or int(table[STAMP[0]].notna().sum()) < LEAST:
        return
    # Results may lie where only reading is allowed, and the next command can do without.
    with suppress(OSError, ValueError):
        whole = _serialised(table, json.dumps(dataclasses.asdict(key)))
        durable.write(folder / NAME, [whole], partial=folder / durable.PARTIAL)


def _serialised(table: pd.DataFrame, key: str) -> bytes:
    import pyarrow
    import pyarrow.parquet

    whole = pyarrow.Table.from_pandas(table, preserve_index=False)
    marked = whole.replace_schema_metadata({**whole.schema.metadata, _KEY: key})
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(marked, sink, write_page_checksum=True)
    written: bytes = sink.getvalue().to_pybytes()
    return written
