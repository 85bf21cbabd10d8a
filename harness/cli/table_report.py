"""What `table` prints. It needs pandas, which takes a while to import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from harness import console
from harness.analysis.frames import Results
from harness.publish import tables
from harness.results.ahead import Look

_OF_CELLS: Mapping[str, Callable[[Results], pd.DataFrame]] = {
    "cell": lambda results: results.cells,
    "class": lambda results: results.classes,
    "axis": lambda results: results.axes,
}


def show(folder: Path, by: str, format: str, look: Look) -> None:
    """The table of the results below `folder`, and how many runs there are."""
    results = Results(folder, look)
    if by in _OF_CELLS:
        frame = _OF_CELLS[by](results)
        summary = tables.of_tally(results.tally)
    else:
        frame = _settings(folder, format) if by == "setting" else results.runs
        summary = tables.summary(results.runs)
    console.result(tables.render(frame, format))
    console.note(summary)


def _settings(folder: Path, format: str) -> pd.DataFrame:
    """Every row for programs; for people each finding once, since most cells agree."""
    # It reads every record, and what reads records takes a while to import.
    from harness.analysis import setting_table

    frame = setting_table.by_setting(folder)
    return frame if format in ("csv", "json") else setting_table.grouped(frame)
