"""`compare`: where cells agree between machines, or with one cell, and how far they are apart."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness import console
from harness.analysis.comparison_verdicts import FAILING
from harness.cli import file_kinds, options
from harness.errors import NotReproducibleError, SelectionError, UsageError
from harness.publish.views import LISTING, View

if TYPE_CHECKING:
    import pandas as pd

    from harness.analysis.cell_comparison import Baseline
    from harness.analysis.merging import MergedResults


_ONE_SIDED = (View.axis, View.class_)
_EXAMPLES = 3


@dataclass(frozen=True, kw_only=True)
class _Request:
    """What is compared: `baseline` is a machine or cell by name, None for the usual one."""

    baseline: str | None
    by: View
    only: tuple[str, ...]


def compare(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="DIR|BUNDLE... [CELL [CELL]]",
            help="Results, put side by side; a cell to compare with; a cell that is compared. "
            "Without a folder: results. As with diff: DIR A#1 A#2, or DIR1:A DIR2:B.",
            callback=file_kinds.all_checked("results folder", "bundle"),
        ),
    ],
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="MACHINE|CELL",
            help="What to compare with; if not given, of the machines with most in common the "
            "first one.",
        ),
    ] = None,
    by: options.By = View.cell,
    only: options.Only = None,
    ids: options.Ids = False,
    format: options.Format = "rich",
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 9 if cells that should agree do not.")
    ] = False,
) -> None:
    """Compare results of several machines, or of one machine with one of its cells."""
    options.check_format(format)
    if by in LISTING:
        raise UsageError(f"--by {by.value} compares nothing: harness table prints it")
    if by in _ONE_SIDED and (baseline is not None or check):
        raise UsageError(
            f"--by {by.value} compares all cells with each other: leave --baseline and --check out"
        )
    # pandas takes half a second to import, and most commands do not need it.
    from harness.cli import compare_sides, study_report

    named = [str(each) for each in results]
    if compare_sides.are_named(named):
        _compare_sides(named, baseline, by, only, ids, format, check)
        return
    sources, cells = _sources_and_cells(results)
    request = _request(cells, baseline, by, only)
    from harness.analysis import comparison_views, merging, unequal_results
    from harness.publish import tables
    from harness.studies import result_sources

    with result_sources.opened(sources) as folders:
        merged = merging.merge(folders)
        for note in merged.notes:
            console.note(note)
        chosen = comparison_views.baseline(merged, request.baseline, by.value, judged=check)
        if len(cells) == 2:
            _require_one_workload(merged, request, chosen)
        keep = comparison_views.baseline_cells(merged, chosen, by.value)
        merged = merging.selected(merged, request.only, keep=keep)
        frame, compared = comparison_views.frames(merged, chosen, by.value)
        unverified = (
            compare_sides.unverified(compared, merged)
            if len(cells) == 2 and compared is not None
            else []
        )
    console.result(tables.render(frame, format, ids=ids))
    console.note(tables.summary(merged.runs))
    if compared is not None:
        for sentence in unequal_results.sentences_between(compared):
            console.note(sentence)
    if check and compared is not None:
        again = [*results, *(["--baseline", baseline] if baseline else [])]
        _check(compared, shlex.join(map(str, again)))
    study_report.require_verified(unverified)


def _compare_sides(
    named: list[str],
    baseline: str | None,
    by: View,
    only: list[str] | None,
    ids: bool,
    format: str,
    check: bool,
) -> None:
    if baseline is not None or only:
        raise UsageError("two cells are compared with each other: leave --baseline and --only out")
    from harness.cli import compare_sides, study_report
    from harness.publish import tables

    found = compare_sides.compared(named, by)
    console.result(tables.render(found.table, format, ids=ids))
    if check:
        _check(found.cells, shlex.join(named))
    study_report.require_verified(found.unverified)


def _sources_and_cells(arguments: list[Path]) -> tuple[list[Path], list[str]]:
    """What is there, and behind it the names of up to two cells, which are no files."""
    sources = [path for path in arguments if path.exists()]
    cells = [str(path) for path in arguments if not path.exists()]
    if arguments[: len(sources)] != sources or len(cells) > 2:
        raise UsageError(f"{cells[0]}: no such folder or bundle; cells, two at most, stand last")
    if not sources and not options.RESULTS.is_dir():
        raise UsageError(f"{arguments[0]}: no such folder or bundle; name one with results")
    return sources or [options.RESULTS], cells


def _request(cells: list[str], baseline: str | None, by: View, only: list[str] | None) -> _Request:
    if cells and (baseline is not None or by in _ONE_SIDED):
        given = "--baseline" if baseline is not None else f"--by {by.value}"
        raise UsageError(f"{cells[0]}: is no folder here, and as a cell it excludes {given}")
    if len(cells) == 2 and only:
        raise UsageError("two cells are compared with each other: leave --only out")
    first = cells[0] if cells else baseline
    return _Request(baseline=first, by=by, only=tuple(cells[1:] or only or ()))


def _require_one_workload(
    merged: MergedResults, request: _Request, baseline: Baseline | None
) -> None:
    """Refuse to compare cells that train different models.

    Raises:
        SelectionError: they do, or the second one is the first.
    """
    from harness.analysis import merging

    if baseline is None or baseline.cell is None:
        raise UsageError(f"{request.baseline!r} is a machine: name a cell to compare a cell with")
    runs = merging.selected_rows(merged.runs, request.only)
    own = str(baseline.cell["workload"])
    others = set(runs["workload"]) - {own}
    if others:
        raise SelectionError(
            f"{request.baseline!r} trains {own}, {request.only[0]!r} {', '.join(sorted(others))}: "
            "cells of one workload can be compared"
        )
    if len(merged.machines) == 1 and set(runs["cell"]) == {baseline.cell["cell"]}:
        raise SelectionError(f"both are {baseline.cell['cell']}: name two different cells")


def _check(compared: pd.DataFrame, arguments: str) -> None:
    """Raise what `--check` found, with the first cells and how to look further.

    `arguments` are those of this command that say what is compared with what.
    """
    from harness.analysis import cell_comparison

    standing = cell_comparison.standing(compared)
    if standing == "reproducible":
        return
    if standing == "nothing compared":
        raise SelectionError(
            f"--check: no cell has weights on both sides, so nothing was checked; "
            f"harness compare {arguments} says what is missing where"
        )
    failing = compared[compared["verdict"].isin(FAILING)]
    lines = [f"{row.cell} on {row.machine}: {row.verdict}" for row in failing.itertuples()]
    more = f"\n  … and {len(lines) - _EXAMPLES:,} more" if len(lines) > _EXAMPLES else ""
    listed = "\n  ".join(lines[:_EXAMPLES])
    cell = failing["cell"].iloc[0]
    raise NotReproducibleError(
        f"{len(lines):,} of {len(compared):,} cells do not agree with the baseline:\n  {listed}"
        f"{more}\nharness compare {arguments} --by tensor --only {shlex.quote(cell)} "
        "shows where they differ"
    )
