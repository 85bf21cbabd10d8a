"""`table`: what the results say."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from harness.cli import options
from harness.errors import UsageError
from harness.publish.views import COMPARING, View


class Of(str, Enum):
    """What is equal in a class."""

    weights = "weights"
    history = "history"
    outputs = "outputs"
    files = "files"
    printed = "printed"


def table(
    results: options.Sources,
    by: options.By = View.class_,
    only: options.Only = None,
    of: Annotated[
        Of | None, typer.Option("--of", help="What is equal in a class; the weights if not given.")
    ] = None,
    ids: options.Ids = False,
    format: options.Format = "rich",
    check: Annotated[
        bool,
        typer.Option("--check", help="With --by claim: exit with 9 if one is refuted or mixed."),
    ] = False,
) -> None:
    """Print a table of results: every run, the cells, the classes of equal weights, what each
    axis changes, what each setting costs, whether settings were in force as requested, every model
    and fit of every run, or whether the claims of the matrix hold.
    """
    options.check_format(format)
    if check and by is not View.claim:
        raise UsageError("--check says whether claims hold: leave it out, or take --by claim")
    if of is not None and by is not View.class_:
        raise UsageError("--of says what is equal in a class: leave it out, or take --by class")
    if by in COMPARING:
        from harness.cli.compare_commands import compare

        compare(results, by=by, only=only, ids=ids, format=format)
        return
    # pandas takes half a second to import, and most commands do not need it.
    from harness.cli import table_report
    from harness.studies import result_sources

    with result_sources.opened(results) as folders:
        request = table_report.Request(
            by=by,
            of=(of or Of.weights).value,
            only=tuple(only or ()),
            ids=ids,
            check=check,
            format=format,
        )
        table_report.show(folders, request)
