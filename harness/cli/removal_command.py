"""`rm`: cells' records, removed from results."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from harness import console
from harness.cli import options
from harness.errors import UsageError
from harness.results import removal
from harness.results.removal import RecordedCell
from harness.wording import counted

SHOWN = 20
"""So many cells are named before they go."""


def rm(
    cells: Annotated[
        list[str],
        typer.Argument(metavar="GLOB...", help="Cells by their ids, or a workload; quote it."),
    ],
    results: options.Results = options.RESULTS,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove the records of cells from results. Harness run makes them again where the matrix
    still has these cells; their arrays stay until harness clean removes them.
    """
    chosen = removal.recorded_cells(results, cells)
    records = sum(one.records for one in chosen)
    what = f"{counted(records, 'record')} of {counted(len(chosen), 'cell')}"
    console.note(f"{what} in {results}:")
    for line in _listed(chosen):
        console.note(f"  {line}")
    if not yes:
        _ask(what)
    removal.remove(chosen)
    console.note(f"removed {what}; harness clean --results {results} frees what nothing names now")


def _listed(cells: Sequence[RecordedCell]) -> list[str]:
    several = len({one.sweep.folder for one in cells}) > 1
    names = [
        f"{one.sweep.matrix}/{one.sweep.machine}/{one.cell}" if several else one.cell
        for one in cells
    ]
    more = [f"… and {len(names) - SHOWN:,} more"] if len(names) > SHOWN else []
    return [*names[:SHOWN], *more]


def _ask(what: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError(f"nothing was removed, as nobody can be asked here; --yes removes {what}")
    if not typer.confirm(f"Remove {what}?", err=True):
        raise UsageError("nothing was removed")
