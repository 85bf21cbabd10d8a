"""What `table` prints. It needs pandas, which takes a while to import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from harness import console
from harness.analysis.axis_table import by_axis
from harness.analysis.cell_table import by_cell
from harness.analysis.class_table import by_class
from harness.analysis.run_table import runs
from harness.publish import tables

_OF_RUNS: Mapping[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "run": lambda table: table,
    "cell": by_cell,
    "class": by_class,
    "axis": by_axis,
}


def show(folder: Path, by: str, format: str) -> None:
    """The table of the results below `folder`, and how many runs there are."""
    table = runs(folder)
    frame = _OF_RUNS[by](table) if by in _OF_RUNS else _settings(folder, format)
    console.result(tables.render(frame, format))
    console.note(tables.summary(table))


def _settings(folder: Path, format: str) -> pd.DataFrame:
    """Every row for programs; for people each finding once, since most cells agree."""
    # It reads every record, and what reads records takes a while to import.
    from harness.analysis import setting_table

    frame = setting_table.by_setting(folder)
    return frame if format in ("csv", "json") else setting_table.grouped(frame)
