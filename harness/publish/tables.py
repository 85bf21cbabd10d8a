"""A DataFrame as text: for a terminal, a spreadsheet, a program, a page or a paper."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pandas as pd

from harness.analysis.varied_axes import shared_by_all
from harness.errors import UsageError
from harness.publish import escaping, markdown, terminal
from harness.publish.formats import FORMATS
from harness.publish.layout import layout
from harness.publish.run_summary import summary
from harness.publish.shown import Shown, column
from harness.publish.table_kinds import kind_of

__all__ = ["render", "summary"]

_LATEX_WIDTH = r"p{0.32\linewidth}"
_LATEX_FOLDED = 40
"""Characters from which on a column of sentences is folded in LaTeX."""


def render(
    frame: pd.DataFrame,
    format: str,
    columns: Sequence[str] | None = None,
    *,
    width: int | None = None,
    colour: bool | None = None,
    ids: bool = False,
) -> str:
    """The frame as text that ends with a newline; equal frames give equal bytes.

    `csv` and `json` have every column and exact numbers. `rich`, `markdown` and `latex` have what
    varies or matters; `columns` names others. `width` is what `rich` has to fit into, in
    characters, `colour` whether it may colour; by default both are as the terminal has them.
    With `ids` cells are named by their ids.

    Raises:
        UsageError: the format, or a column, is not known.
    """
    if format not in FORMATS:
        raise UsageError(f"format {format!r} is not known; choose one of {', '.join(FORMATS)}")
    chosen = _chosen(frame, columns)
    if format in ("csv", "json"):
        return _DATA[format](frame if columns is None else frame[list(columns)])
    if format == "rich":
        return terminal.render(frame, chosen, width=width, colour=colour, ids=ids)
    if chosen is not None:
        return _PAGES[format](chosen, "")
    return _PAGES[format](layout(frame, ids=ids), _shared(frame))


def _chosen(frame: pd.DataFrame, columns: Sequence[str] | None) -> list[Shown] | None:
    """The columns asked for, None where none are."""
    if columns is None:
        return None
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        present = ", ".join(str(name) for name in frame.columns)
        raise UsageError(f"no column {', '.join(missing)} in this table; it has {present}")
    return [column(frame, name) for name in columns]


def _shared(frame: pd.DataFrame) -> str:
    """What all rows share and no column of a page therefore says."""
    kind = kind_of(frame)
    if kind == "classes":
        shared = frame["every_cell"].unique()
        return str(shared[0]) if len(shared) == 1 else ""
    return shared_by_all(frame) if kind in ("runs", "cells") else ""


def _csv(frame: pd.DataFrame) -> str:
    lists = [name for name in frame.columns if frame[name].dtype == object]
    flat = frame.assign(**{name: frame[name].map(_listed) for name in lists})
    text: str = flat.to_csv(index=False, lineterminator="\n")
    return text


def _listed(value: object) -> object:
    """A list as JSON: one field of a CSV file."""
    is_list = isinstance(value, list | tuple)
    return json.dumps(value, ensure_ascii=False) if is_list else value


def _json(frame: pd.DataFrame) -> str:
    """An array with an object per row and line. What is missing, and NaN, is null."""
    names = [str(name) for name in frame.columns]
    rows = zip(*(_plain(frame[name]) for name in frame.columns), strict=True)
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    lines = [encode(dict(zip(names, row, strict=True))) for row in rows]
    return "[" + ",".join(f"\n{line}" for line in lines) + "\n]\n"


def _plain(values: pd.Series[Any]) -> list[object]:
    return [_value(value) for value in values.tolist()]


def _value(value: object) -> object:
    """A value that JSON has; infinity, which it has not, as text."""
    if isinstance(value, list | tuple):
        return list(value)
    if value is None or value is pd.NA:
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def _markdown(columns: Sequence[Shown], shared: str) -> str:
    headers = [escaping.markdown(column.header) for column in columns]
    rows = [[escaping.markdown(value) for value in row] for row in _rows(columns)]
    table = markdown.table(headers, rows, [column.numeric for column in columns])
    above = f"Every cell: {escaping.markdown(shared)}.\n\n" if shared else ""
    return f"{above}{table}\n"


def _latex(columns: Sequence[Shown], shared: str) -> str:
    """A `tabular` for the package booktabs, to be put into a table or printed as it is."""
    above = [f"% Every cell: {escaping.visible(shared)}"] if shared else []
    align = "".join(_latex_column(column) for column in columns)
    lines = [
        *above,
        rf"\begin{{tabular}}{{{align}}}",
        r"\toprule",
        _joined([escaping.latex(column.header) for column in columns]),
        r"\midrule",
        *_latex_rows(columns),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _latex_column(column: Shown) -> str:
    return _LATEX_WIDTH if _is_folded(column) else "r" if column.numeric else "l"


def _is_folded(column: Shown) -> bool:
    """Sentences are folded, so that the table fits on a page."""
    return column.wraps and any(" " in text[_LATEX_FOLDED:] for text in column.values)


def _latex_rows(columns: Sequence[Shown]) -> Iterator[str]:
    folded = [_is_folded(column) for column in columns]
    for row in _rows(columns):
        escaped = [escaping.latex(value) for value in row]
        ragged = zip(folded, escaped, strict=True)
        yield _joined([rf"{{\raggedright {text}\par}}" if fold else text for fold, text in ragged])


def _joined(texts: Sequence[str]) -> str:
    return " & ".join(texts) + r" \\"


def _rows(columns: Sequence[Shown]) -> list[tuple[str, ...]]:
    return list(zip(*(column.values for column in columns), strict=True))


_DATA: dict[str, Callable[[pd.DataFrame], str]] = {"csv": _csv, "json": _json}
_PAGES: dict[str, Callable[[Sequence[Shown], str], str]] = {"markdown": _markdown, "latex": _latex}
