"""What `table` prints. It needs pandas, which takes a while to import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from harness import console
from harness.analysis import unequal_results
from harness.analysis.axis_table import by_axis
from harness.analysis.cell_table import WEIGHTS, by_cell
from harness.analysis.class_table import by_class
from harness.analysis.run_table import runs
from harness.publish import tables

_OF_RUNS: Mapping[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "run": lambda table: table,
    "cell": by_cell,
    "axis": by_axis,
}


def show(folder: Path, by: str, format: str, of: str = WEIGHTS) -> None:
    """The table of the results below `folder`, and how many runs there are.

    `of` says what is equal in a class.
    """
    table = runs(folder)
    console.result(tables.render(_frame(folder, table, by, format, of), format))
    console.note(tables.summary(table))
    for sentence in unequal_results.sentences(by_cell(table)):
        console.note(sentence)


def _frame(folder: Path, table: pd.DataFrame, by: str, format: str, of: str) -> pd.DataFrame:
    if by == "class":
        return by_class(table, of)
    if by == "setting":
        return _settings(folder, format)
    if by == "model":
        return _models(folder)
    return _OF_RUNS[by](table)


def _models(folder: Path) -> pd.DataFrame:
    # It reads every record, as `_settings` does.
    from harness.analysis import model_table

    return model_table.by_model(folder)


def _settings(folder: Path, format: str) -> pd.DataFrame:
    """Every row for programs; for people each finding once, since most cells agree."""
    # It reads every record, and what reads records takes a while to import.
    from harness.analysis import setting_table

    frame = setting_table.by_setting(folder)
    return frame if format in ("csv", "json") else setting_table.grouped(frame)
