"""The parameters of users' scripts as columns: each under its own name, behind the axes.

Which ones there are depends on the scripts. So a column of texts that no table has by itself is a
parameter's, and a parameter whose name such a column bears gets a prefix.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.analysis import columns, comparison_columns
from harness.analysis.columns import Column, names
from harness.results.record import Found, Record

TOGETHER = Column(
    name="parameters", dtype="string", sentence="All parameters, as a JSON object; of the index."
)

Codes = npt.NDArray[np.intp]

PREFIX = "parameter_"

_TABLES = (
    *(columns.RUN_COLUMNS, columns.CELL_COLUMNS, columns.EXPLAINED_COLUMNS, columns.MODEL_COLUMNS),
    *(columns.SETTING_ROW_COLUMNS, columns.EFFECT_COLUMNS, comparison_columns.TENSOR_COLUMNS),
    *(comparison_columns.COMPARISON_COLUMNS, comparison_columns.MACHINE_COLUMNS),
    *(comparison_columns.SPREAD_COLUMNS, columns.CLAIM_COLUMNS, columns.HISTORY_COLUMNS),
)
_STAMPS = ("file_bytes", "file_modified_ns", "file_changed_ns")

RESERVED = frozenset(
    {TOGETHER.name, *_STAMPS, *(name for table in _TABLES for name in names(table))}
)
"""Names of columns that some table has whatever it is about."""


def column_name(parameter: str) -> str:
    """The column of a parameter: its name, with a prefix where the name is taken."""
    taken = parameter in RESERVED or parameter.startswith((PREFIX, "found_"))
    return f"{PREFIX}{parameter}" if taken else parameter


def names_in(frame: pd.DataFrame) -> list[str]:
    """The columns of a frame that are parameters of scripts, sorted."""
    return of_names(name for name in frame.columns if not _is_number(frame, str(name)))


def _is_number(frame: pd.DataFrame, name: str) -> bool:
    return name not in RESERVED and pd.api.types.is_numeric_dtype(frame[name].dtype)


def of_names(among: Iterable[object]) -> list[str]:
    """Those of these names of columns that are parameters, sorted."""
    return sorted({str(name) for name in among} - RESERVED)


def as_json(parameters: object) -> str | None:
    """The parameters of a run in the column `TOGETHER`; None where it has none.

    A stranger's record may have anything in their place; that is none.
    """
    given = parameters if isinstance(parameters, dict) else {}
    return json.dumps(given, sort_keys=True) if given else None


def asked_of(record: Record) -> dict[str, Any]:
    """The settings of a record, with each parameter by the name of its column."""
    own = record.settings.get(TOGETHER.name)
    rest = {name: value for name, value in record.settings.items() if name != TOGETHER.name}
    return {**rest, **_each(own)}


def found_in(record: Record) -> dict[str, Found]:
    """What a record says was found, with each parameter by the name of its column."""
    own = record.found.get(TOGETHER.name)
    rest = {name: found for name, found in record.found.items() if name != TOGETHER.name}
    if own is None:
        return rest
    return {**rest, **{n: Found(value=v, how=own.how) for n, v in _each(own.value).items()}}


def _each(parameters: object) -> dict[str, Any]:
    given = parameters if isinstance(parameters, dict) else {}
    return {column_name(str(name)): value for name, value in given.items()}


def apart(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a column for each parameter in the place of `TOGETHER`."""
    codes, texts = pd.factorize(table[TOGETHER.name].to_numpy(dtype=object))
    objects = [json.loads(text) for text in texts]
    found = {name for each in objects for name in each}
    if not found:
        return table
    series = {
        column_name(name): _column([each.get(name) for each in objects], codes) for name in found
    }
    rest = table.drop(columns=TOGETHER.name).reset_index(drop=True)
    whole: pd.DataFrame = pd.concat([rest, pd.DataFrame(series)], axis="columns")
    return whole


def _column(values: list[object], codes: Codes) -> pd.Series[str]:
    """The value of each row, by the place of its object; -1 for a row without any."""
    texts = [pd.NA if value is None else str(value) for value in values]
    column: pd.Series[str] = pd.Series(
        np.array([*texts, pd.NA], dtype=object)[codes], dtype=columns.TEXT
    )
    return column
