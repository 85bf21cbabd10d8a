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
    claim = "claim"


class Of(str, Enum):
    """What is equal in a class."""

    weights = "weights"
    history = "history"
    outputs = "outputs"
    files = "files"
    printed = "printed"


def table(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A results folder.")],
    by: Annotated[Grouping, typer.Option("--by", help="What one row is.")] = Grouping.class_,
    of: Annotated[
        Of | None, typer.Option("--of", help="What is equal in a class; the weights if not given.")
    ] = None,
    format: options.Format = "rich",
    check: Annotated[
        bool,
        typer.Option("--check", help="With --by claim: exit with 9 if one is refuted or mixed."),
    ] = False,
) -> None:
    """Print a table of results: every run, the cells, the classes of equal weights, what each
    axis changes, whether settings were in force as requested, every model and fit of every run,
    or whether the claims of the matrix hold.
    """
    options.check_format(format)
    if check and by is not Grouping.claim:
        raise UsageError("--check says whether claims hold: leave it out, or take --by claim")
    if of is not None and by is not Grouping.class_:
        raise UsageError("--of says what is equal in a class: leave it out, or take --by class")
    # pandas takes half a second to import, and most commands do not need it.
    from harness.cli import table_report

    table_report.show(folder, by.value, format, of=(of or Of.weights).value)
    if check:
        table_report.check_claims(folder)
