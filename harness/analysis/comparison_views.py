"""What `compare` shows: which baseline a view needs, and its table. One place for every interface.

A view is named by the word that `--by` takes.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from harness.analysis import (
    axis_table,
    cell_comparison,
    class_separation,
    comparison_table,
    metric_dispersion,
)
from harness.analysis.cell_comparison import Baseline
from harness.analysis.merging import MergedResults

ONE_SIDED = ("axis", "class")
"""Views in which all cells are compared with each other, so that there is no baseline."""

VIEWS = ("cell", "machine", "tensor", "axis", "class", "spread")


def baseline(
    merged: MergedResults, name: str | None, by: str, *, judged: bool = False
) -> Baseline | None:
    """What to compare with; None where cells are compared with each other, or with nothing.

    `judged` says that cells will be judged against it, so that there must be one.

    Raises:
        UsageError: there is only one machine and no cell is named, or nothing is planned.
        SelectionError: nothing, or more than one thing, has that name.
    """
    alone = by == "spread" and name is None and len(merged.machines) == 1 and not judged
    return None if by in ONE_SIDED or alone else cell_comparison.baseline_of(merged, name)


def baseline_cells(merged: MergedResults, baseline: Baseline | None, by: str) -> set[str]:
    """The cells needed whatever is selected: the baseline, for its spread with all its seeds."""
    if baseline is None or baseline.cell is None:
        return set()
    cell = str(baseline.cell["cell"])
    if by != "spread":
        return {cell}
    group = metric_dispersion.group_of(cell)
    return {one for one in merged.runs["cell"].unique() if metric_dispersion.group_of(one) == group}


def frames(
    merged: MergedResults, baseline: Baseline | None, by: str
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The table of a view, and the comparison of cells by which they are judged.

    Raises:
        RecordError: stored arrays are damaged.
    """
    if by == "axis":
        return axis_table.by_axis(merged.runs), None
    if by == "class":
        return class_separation.by_class_explained(merged), None
    if baseline is None:
        return metric_dispersion.metric_dispersion(merged.runs, None), None
    pairs, sizes = cell_comparison.pairs(merged, baseline), comparison_table.Sizes(merged)
    compared = comparison_table.comparison(pairs, sizes)
    tables: dict[str, Callable[[], pd.DataFrame]] = {
        "cell": lambda: compared,
        "machine": lambda: cell_comparison.by_machine(compared, merged),
        "tensor": lambda: comparison_table.by_tensor(pairs, sizes),
        "spread": lambda: metric_dispersion.metric_dispersion(merged.runs, baseline),
    }
    return tables[by](), compared
