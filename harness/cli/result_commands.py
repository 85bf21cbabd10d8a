"""`table`: what the results say."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options


class Grouping(str, Enum):
    """What one row of a table is."""

    run = "run"
    cell = "cell"
    class_ = "class"
    axis = "axis"
    setting = "setting"


def table(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A results folder.")],
    by: Annotated[Grouping, typer.Option("--by", help="What one row is.")] = Grouping.class_,
    format: options.Format = "rich",
) -> None:
    """Print a table of results: every run, the cells, the classes of equal weights, what each
    axis changes, or whether settings were in force as requested.
    """
    options.check_format(format)
    # pandas takes half a second to import, and most commands do not need it.
    from harness.cli import table_report

    table_report.show(folder, by.value, format)
