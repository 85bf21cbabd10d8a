"""A table as HTML: what is the same in every row once and above, then the columns people read.

Equal tables give equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from harness.analysis import columns, comparison_columns, parameters, price_table
from harness.analysis.columns import Column, names
from harness.analysis.varied_axes import assignments, shared
from harness.notebook import colours
from harness.publish import shown
from harness.publish.escaping import html
from harness.publish.layout import layout
from harness.publish.shown import Shown
from harness.publish.table_kinds import kind_of

_TABLES: Mapping[str, Sequence[Column]] = {
    "runs": columns.RUN_COLUMNS,
    "cells": columns.CELL_COLUMNS,
    "classes": columns.CLASS_COLUMNS,
    "axes": columns.EFFECT_COLUMNS,
    "claims": columns.CLAIM_COLUMNS,
    "comparison": comparison_columns.COMPARISON_COLUMNS,
    "tensors": comparison_columns.TENSOR_COLUMNS,
    "machines": comparison_columns.MACHINE_COLUMNS,
    "spread": comparison_columns.SPREAD_COLUMNS,
    "history": columns.HISTORY_COLUMNS,
    "prices": price_table.PRICE_COLUMNS,
}
_TELLING = {"history": "epoch", "prices": "fit_ratio"}
"""The column that only this table has, of those that no command lays out."""

_SETTLED = ("matrix", "workload", "metric", "baseline_machine", "baseline", "model", "fit")
"""What is said above, beside the settings, where every row has the same."""

_FEW = 10
_SENTENCE = 48
"""Characters from which on a column may be folded."""

_PLAIN = "text-align: left; font-weight: normal; color: gray"


def is_known(frame: pd.DataFrame) -> bool:
    """Whether this is one of the tables with all of its columns, and rows to show."""
    if frame.empty or frame.columns.has_duplicates or isinstance(frame.index, pd.MultiIndex):
        return False
    return _kind(frame) in _TABLES and _own_columns(frame) <= set(frame.columns)


def _kind(frame: pd.DataFrame) -> str:
    telling = (kind for kind, name in _TELLING.items() if name in frame.columns)
    return next(telling, kind_of(frame))


def _own_columns(frame: pd.DataFrame) -> set[str]:
    """The columns of such a table; the digest of a class table has different names."""
    digests = {"weights_sha256"} if _kind(frame) == "classes" else set()
    return set(names(_TABLES[_kind(frame)])) - digests


def of_table(frame: pd.DataFrame) -> str:
    """The table; of many rows the first and the last, as pandas does it."""
    same = _same(frame)
    reading = [*_layout(frame), *_added(frame)]
    varying = [one for one in reading if one.name not in same] or reading
    above = f'<p style="{_PLAIN}">In every row: {html(assignments(same))}</p>' if same else ""
    return (
        f"<div>{above}"
        '<table border="1" class="dataframe">'
        f"<thead><tr><th></th>{''.join(map(_head, varying))}</tr></thead>"
        f"<tbody>{''.join(_rows(frame, varying))}</tbody></table>"
        f'<p style="{_PLAIN}">{html(_below(frame, varying, same))}</p></div>'
    )


def _layout(frame: pd.DataFrame) -> list[Shown]:
    """The columns that people read."""
    if _kind(frame) == "history":
        own = [str(name) for name in frame.columns if name in _own_columns(frame)]
        several = [name for name in own if frame[name].nunique() > 1]
        return [shown.column(frame, name) for name in several if name not in ("cell", "matrix")]
    return layout(frame)


def _added(frame: pd.DataFrame) -> list[Shown]:
    """The columns that somebody put in: they are what he wants to see."""
    known = {*_own_columns(frame), *parameters.names_in(frame)}
    digest = {f"{name}_sha256" for name in ("weights", *columns.BESIDE_WEIGHTS)}
    added = [str(name) for name in frame.columns if name not in known | digest]
    return [shown.column(frame, name) for name in added]


def _same(frame: pd.DataFrame) -> dict[str, str]:
    """What every row shares, by name; settings at their default are left out."""
    single = [name for name in _SETTLED if _is_single(frame, name)]
    facts = {name: str(frame[name].iloc[0]) for name in single}
    if _kind(frame) in ("runs", "cells", "comparison", "history"):
        facts |= shared(frame)
    if _kind(frame) == "classes" and _is_single(frame, "every_cell"):
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
    style = f"text-align: {'right' if one.numeric else 'left'}; white-space: nowrap"
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
