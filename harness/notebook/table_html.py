"""A table as HTML: what is the same in every row once and above, then the columns people read.

Equal tables give equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from harness.analysis import columns, comparison_columns, parameters
from harness.analysis.columns import Column, names
from harness.analysis.varied_axes import assignments, shared
from harness.notebook import colours
from harness.publish import shown
from harness.publish.escaping import html
from harness.publish.layout import Kind, kind_of, layout
from harness.publish.shown import Shown

_TABLES: Mapping[Kind, Sequence[Column]] = {
    "runs": columns.RUN_COLUMNS,
    "cells": columns.CELL_COLUMNS,
    "classes": columns.CLASS_COLUMNS,
    "axes": columns.EFFECT_COLUMNS,
    "claims": columns.CLAIM_COLUMNS,
    "comparison": comparison_columns.COMPARISON_COLUMNS,
    "tensors": comparison_columns.TENSOR_COLUMNS,
    "machines": comparison_columns.MACHINE_COLUMNS,
    "spread": comparison_columns.SPREAD_COLUMNS,
}
_FEW = 10
_SENTENCE = 48
"""Characters from which on a column may be folded."""

_PLAIN = "text-align: left; font-weight: normal; color: gray"


def is_known(frame: pd.DataFrame) -> bool:
    """Whether this is one of the tables with all of its columns, and rows to show."""
    if frame.empty or frame.columns.has_duplicates or isinstance(frame.index, pd.MultiIndex):
        return False
    return _own_columns(frame) <= set(frame.columns) and kind_of(frame) in _TABLES


def _own_columns(frame: pd.DataFrame) -> set[str]:
    digests = {"weights_sha256"} if kind_of(frame) == "classes" else set()
    # The digest of a class table is named by what is equal in its classes.
    return set(names(_TABLES.get(kind_of(frame), ()))) - digests


def of_table(frame: pd.DataFrame) -> str:
    """The table; of many rows the first and the last, as pandas does it."""
    reading = [*layout(frame), *_added(frame)]
    same = _same(frame)
    varying = [one for one in reading if one.name not in same] or reading
    above = f'<p style="{_PLAIN}">In every row: {html(assignments(same))}</p>' if same else ""
    return (
        f"<div>{above}"
        '<table border="1" class="dataframe">'
        f"<thead><tr><th></th>{''.join(map(_head, varying))}</tr></thead>"
        f"<tbody>{''.join(_rows(frame, varying))}</tbody></table>"
        f'<p style="{_PLAIN}">{html(_below(frame, varying, same))}</p></div>'
    )


def _added(frame: pd.DataFrame) -> list[Shown]:
    """The columns that somebody put in: they are what he wants to see."""
    known = {*_own_columns(frame), "weights_sha256", *parameters.names_in(frame)}
    return [shown.column(frame, str(name)) for name in frame.columns if name not in known]


def _same(frame: pd.DataFrame) -> dict[str, str]:
    """What every row shares, by name; settings at their default are left out."""
    single = [name for name in ("matrix", "workload", "metric") if _is_single(frame, name)]
    facts = {name: str(frame[name].iloc[0]) for name in single}
    if kind_of(frame) in ("runs", "cells", "comparison"):
        facts |= shared(frame)
    if kind_of(frame) == "classes" and _is_single(frame, "every_cell"):
        facts["every cell"] = str(frame["every_cell"].iloc[0])
    return facts


def _is_single(frame: pd.DataFrame, name: str) -> bool:
    return name in frame and bool(frame[name].notna().all()) and frame[name].nunique() == 1


def _head(one: Shown) -> str:
    align = "right" if one.numeric else "left"
    return f'<th style="text-align: {align}">{html(one.header)}</th>'


def _rows(frame: pd.DataFrame, reading: Sequence[Shown]) -> Iterator[str]:
    places = _places(len(frame))
    previous = -1
    for place in places:
        if place != previous + 1:
            yield f"<tr><th>⋮</th>{'<td>⋮</td>' * len(reading)}</tr>"
        previous = place
        cells = "".join(_cell(one, one.values[place]) for one in reading)
        yield f"<tr><th>{html(str(frame.index[place]))}</th>{cells}</tr>"


def _places(rows: int) -> list[int]:
    """Which rows are shown: all, or the first and the last, by the options of pandas."""
    most = pd.get_option("display.max_rows")
    if most is None or rows <= most:
        return list(range(rows))
    few = min(pd.get_option("display.min_rows") or most, most) or _FEW
    half = max(few // 2, 1)
    return [*range(half), *range(rows - half, rows)]


def _cell(one: Shown, value: str) -> str:
    style = "text-align: right" if one.numeric else "text-align: left"
    if one.name == "class" and value:
        look = colours.of_class(value)
        style = f"text-align: center; background: {look.fill}; color: {look.text}"
    elif one.wraps and len(value) > _SENTENCE:
        style = "text-align: left; min-width: 24em; white-space: normal"
    return f'<td style="{style}">{html(value)}</td>'


def _below(frame: pd.DataFrame, reading: Sequence[Shown], same: Mapping[str, str]) -> str:
    present = {one.name for one in reading}
    hidden = [str(name) for name in frame.columns if name not in present and name not in same]
    size = f"{len(frame):,} rows × {len(frame.columns):,} columns"
    if not hidden:
        return size
    more = f" and {len(hidden) - _FEW} more" if len(hidden) > _FEW else ""
    return f"{size}; not shown: {', '.join(hidden[:_FEW])}{more}"
