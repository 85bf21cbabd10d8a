"""`table`: what the results say."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options
from harness.errors import UsageError


class Grouping(str, Enum):
    """What one row of a table is."""

    run = "run"
    cell = "cell"
    class_ = "class"
    axis = "axis"
    setting = "setting"
    model = "model"


class Of(str, Enum):
    """What is equal in a class."""

    weights = "weights"
    history = "history"
    outputs = "outputs"
    files = "files"
    printed = "printed"


def table(
    folders: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR...", help="Results folders; several count as one, side by side."
        ),
    ],
    by: Annotated[Grouping, typer.Option("--by", help="What one row is.")] = Grouping.class_,
    of: Annotated[
        Of | None, typer.Option("--of", help="What is equal in a class; the weights if not given.")
    ] = None,
    format: options.Format = "rich",
) -> None:
    """Print a table of results: every run, the cells, the classes of equal weights, what each
    axis changes, whether settings were in force as requested, or every model and fit of every run.
    """
    options.check_format(format)
    if of is not None and by is not Grouping.class_:
        raise UsageError("--of says what is equal in a class: leave it out, or take --by class")
    # pandas takes half a second to import, and most commands do not need it.
    from harness.cli import table_report

    table_report.show(folders, by.value, format, of=(of or Of.weights).value)
