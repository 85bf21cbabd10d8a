"""`compare`: where cells agree between machines, or with one cell, and how far they are apart."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness import console
from harness.analysis.comparison_verdicts import FAILING
from harness.cli import options
from harness.errors import NotReproducibleError, SelectionError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from harness.analysis.cell_comparison import Baseline
    from harness.analysis.merging import MergedResults


class By(str, Enum):
    """What one row of the comparison is."""

    cell = "cell"
    machine = "machine"
    axis = "axis"
    class_ = "class"
    tensor = "tensor"
    spread = "spread"


_ONE_SIDED = (By.axis, By.class_)
_EXAMPLES = 3


def compare(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Results folders, put side by side.")
    ],
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="MACHINE|CELL", help="What to compare with; the first machine if not given."
        ),
    ] = None,
    by: Annotated[By, typer.Option("--by", help="What one row is.")] = By.cell,
    only: options.Only = None,
    format: options.Format = "rich",
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 9 if cells that should agree do not.")
    ] = False,
) -> None:
    """Compare results of several machines, or of one machine with one of its cells."""
    options.check_format(format)
    if by in _ONE_SIDED and (baseline is not None or check):
        raise UsageError(
            f"--by {by.value} compares all cells with each other: leave --baseline and --check out"
        )
    # pandas takes half a second to import, and most commands do not need it.
    from harness.analysis import merging
    from harness.publish import tables

    merged = merging.merge(folders)
    for note in merged.notes:
        console.note(note)
    chosen = _baseline(merged, baseline, by, check)
    merged = merging.selected(merged, only or (), keep=_baseline_cells(merged, chosen, by))
    frame, compared = _frames(merged, chosen, by)
    console.result(tables.render(frame, format))
    console.note(tables.summary(merged.runs))
    if check and compared is not None:
        again = [*folders, *(["--baseline", baseline] if baseline else [])]
        _check(compared, shlex.join(map(str, again)))


def _baseline(merged: MergedResults, name: str | None, by: By, check: bool) -> Baseline | None:
    """What to compare with; None where cells are compared with each other, or with nothing."""
    from harness.analysis import cell_comparison

    alone = by is By.spread and name is None and len(merged.machines) == 1 and not check
    return None if by in _ONE_SIDED or alone else cell_comparison.baseline_of(merged, name)


def _baseline_cells(merged: MergedResults, baseline: Baseline | None, by: By) -> set[str]:
    """The cells needed whatever is selected: the baseline, for its spread with all its seeds."""
    from harness.analysis import metric_dispersion

    if baseline is None or baseline.cell is None:
        return set()
    cell = str(baseline.cell["cell"])
    if by is not By.spread:
        return {cell}
    group = metric_dispersion.group_of(cell)
    return {one for one in merged.runs["cell"].unique() if metric_dispersion.group_of(one) == group}


def _frames(
    merged: MergedResults, baseline: Baseline | None, by: By
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The table asked for, and the comparison of cells that `--check` judges."""
    from harness.analysis import (
        axis_table,
        cell_comparison,
        class_separation,
        comparison_table,
        metric_dispersion,
    )

    if by is By.axis:
        return axis_table.by_axis(merged.runs), None
    if by is By.class_:
        return class_separation.by_class_explained(merged), None
    if baseline is None:
        return metric_dispersion.metric_dispersion(merged.runs, None), None
    pairs, sizes = cell_comparison.pairs(merged, baseline), comparison_table.Sizes(merged)
    compared = comparison_table.comparison(pairs, sizes)
    tables: dict[By, Callable[[], pd.DataFrame]] = {
        By.cell: lambda: compared,
        By.machine: lambda: cell_comparison.by_machine(compared, merged),
        By.tensor: lambda: comparison_table.by_tensor(pairs, sizes),
        By.spread: lambda: metric_dispersion.metric_dispersion(merged.runs, baseline),
    }
    return tables[by](), compared


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
