"""What `table` prints. It needs pandas, which takes a while to import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from harness import console
from harness.analysis import classes, effects, frames
from harness.publish import tables
from harness.results.ahead import Look

_OF_CELLS: Mapping[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "cell": lambda cells: cells,
    "class": classes.of_cells,
    "axis": effects.of_cells,
}


def show(folder: Path, by: str, format: str, look: Look) -> None:
    """The table of the results below `folder`, and how many runs there are."""
    if by in _OF_CELLS:
        cells, tally = frames.cells(folder, look)
        frame, summary = _OF_CELLS[by](cells), tables.summary_of(cells, tally)
    else:
        runs = frames.runs(folder, look)
        frame = _settings(folder, format) if by == "setting" else runs
        summary = tables.summary(runs)
    console.result(tables.render(frame, format))
    console.note(summary)


def _settings(folder: Path, format: str) -> pd.DataFrame:
    """Every row for programs; for people each finding once, since most cells agree."""
    # It reads every record, and what reads records takes a while to import.
    from harness.analysis import settings

    frame = settings.by_setting(folder)
    return frame if format in ("csv", "json") else settings.grouped(frame)
