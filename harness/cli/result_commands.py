"""`table`: what the results say."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from harness import console
from harness.analysis import classes, effects, frames, settings
from harness.cli import options
from harness.publish import tables


class Grouping(str, Enum):
    """What one row of a table is."""

    run = "run"
    cell = "cell"
    class_ = "class"
    axis = "axis"
    setting = "setting"


_OF_CELLS = {
    Grouping.cell: lambda cells: cells,
    Grouping.class_: classes.of_cells,
    Grouping.axis: effects.of_cells,
}


def table(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A results folder.")],
    by: Annotated[Grouping, typer.Option("--by", help="What one row is.")] = Grouping.class_,
    format: options.Format = "rich",
) -> None:
    """Print a table of results: every run, the cells, the classes of equal weights, what each
    axis changes, or which settings were found as they were asked for.
    """
    options.check_format(format)
    if by in _OF_CELLS:
        its_cells, runs = frames.cells(folder, tables.SUMMARISED)
        frame = _OF_CELLS[by](its_cells)
    else:
        runs = frames.runs(folder)
        frame = _settings(folder, format) if by is Grouping.setting else runs
    console.result(tables.render(frame, format))
    console.note(tables.summary(runs))


def _settings(folder: Path, format: str) -> pd.DataFrame:
    """Every row for programs; for people each finding once, since most cells agree."""
    frame = settings.by_setting(folder)
    return frame if format in ("csv", "json") else settings.grouped(frame)
