"""Settings as what they are: numbers as numbers, versions and words in their natural order.

The tables of the commands have text, the same for what was asked and what was found. A person who
sorts and plots wants 2.9 before 2.10. So, once and at the end, each column of a setting (an axis,
`found_` and an axis, a version, a parameter of a script) becomes

- `Int64` where all its values are whole numbers,
- `Float64` where all are numbers and some are not whole,
- else an ordered category: versions by version, words as the catalogue of axes has them (the
  default first), then numbers by size. The categories are the values that occur.

What is missing stays missing, and a column without any value stays as it is. A decimal that ends in
0, such as 2.10, is no number: it is a version or a name, and would become another one. Free text
(`env`, ids, digests, reasons) stays text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from harness.analysis import parameters
from harness.analysis.axis_values import VERSIONS, in_order
from harness.analysis.columns import AXIS_NAMES
from harness.protocol.axes import BY_NAME

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.([0-9]*[1-9]|0))?([eE][-+]?[0-9]+)?")
_VERSION = re.compile(r"[0-9]+(\.[0-9]+)+")
_FOUND = "found_"


def in_natural_order(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with every setting as numbers or as an ordered category; nothing else changes."""
    changed: pd.DataFrame = frame.assign(**{name: _natural(frame[name]) for name in _names(frame)})
    return changed


def _names(frame: pd.DataFrame) -> list[str]:
    known = [str(name) for name in frame.columns if _is_setting(str(name))]
    return [*known, *parameters.names_in(frame)] if known else []


def _is_setting(name: str) -> bool:
    axis = name.removeprefix(_FOUND)
    if axis in VERSIONS or axis == "device":
        return True
    return axis in AXIS_NAMES and not BY_NAME[axis].is_mapping


def _natural(column: pd.Series[str]) -> pd.Series[Any]:
    values = [str(value) for value in column.dropna().unique()]
    if not values:
        return column
    name = str(column.name).removeprefix(_FOUND)
    if name not in VERSIONS and all(map(_WHOLE.fullmatch, values)):
        return column.astype("object").map(int, na_action="ignore").astype("Int64")
    if name not in VERSIONS and all(map(_is_number, values)):
        return column.astype("object").map(float, na_action="ignore").astype("Float64")
    dtype = pd.CategoricalDtype(_ordered(name, values), ordered=True)
    return column.astype("object").astype(dtype)


def _is_number(text: str) -> bool:
    return _WHOLE.fullmatch(text) is not None or _DECIMAL.fullmatch(text) is not None


def _ordered(name: str, values: Sequence[str]) -> list[str]:
    if values and all(map(_VERSION.fullmatch, values)):
        return list(in_order(VERSIONS[0], values)[0])
    words = [value for value in values if name in VERSIONS or not _is_number(value)]
    numbers = sorted((value for value in values if value not in words), key=float)
    return [*in_order(name, words)[0], *numbers]
