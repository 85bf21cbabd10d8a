"""The figures of the published page with matplotlib, which the extra `plots` brings.

Every function takes results as `harness.load` does, draws a panel for each workload, and returns a
Figure that a notebook shows and `savefig` writes; none opens a window. The same results give the
same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from harness import extras
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.notebook.sources import Selection
    from harness.plots.picture import Picture

Measure = Literal["relative_l2", "max_ulp", "max_abs", "churn"]
MEASURES = {
    "relative_l2": "relative L2 distance of the weights",
    "max_ulp": "largest ULP distance of the weights",
    "max_abs": "largest absolute difference of the weights",
    "churn": "changed predictions (share of classes, or largest difference)",
}
"""What classes can be apart in, in words."""


def class_grid(
    *folders: str | Path,
    workload: str | None = None,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    only: Selection = (),
) -> Picture:
    """Figure 1: a letter per cell, equal letters for equal bits.

    The arguments are those of `harness.grid`, and so are the errors; a UsageError, too, where
    matplotlib is not installed.

    >>> import harness
    >>> figure = harness.plots.class_grid("results/reference", workload="mnist-cnn")
    >>> [axes.get_title(loc="left") for axes in figure.axes]
    ['mnist-cnn']
    """
    with extras.needed():
        from harness.plots import grids
    from harness.notebook.class_grid import grid

    found = grid(*folders, workload=workload, rows=rows, columns=columns, only=only)
    return grids.draw(found)


def distances(
    *folders: str | Path,
    workload: str | None = None,
    measure: Measure = "relative_l2",
    only: Selection = (),
) -> Picture:
    """Figure 2: how far the classes of a workload are from each other.

    Args:
        folders: results folders and bundles; `results` if none is named.
        workload: one of the workloads; all of them if none is named.
        measure: `relative_l2` (the norm of the difference over that of the weights), `max_ulp`
            (floats between two weights), `max_abs` (in the weights' own unit), or `churn` (the
            share of test rows whose class differs; of a forecast the largest difference, in its
            unit).
        only: globs over ids of cells, or names of workloads; all cells if none is given.

    Returns:
        A square per pair of the sixteen largest classes. ° marks classes that began with other
        weights, ≠ the first run of an unstable cell. Where weights or predictions were not stored
        beside the records, the panel says so.

    Raises:
        UsageError: there are no results in a folder, it is neither folder nor bundle, `measure` is
            another word, or matplotlib is not installed.
        RecordError: a record, plan, bundle or stored array is damaged or of another schema.
        SelectionError: `only` matches no cell, there is no such workload, or nothing is planned.

    >>> import harness
    >>> figure = harness.plots.distances("results/gpu-check", workload="mnist-mlp")
    >>> figure.axes[0].get_title(loc="left")
    'mnist-mlp'
    """
    if measure not in MEASURES:
        known = ", ".join(MEASURES)
        raise UsageError(f"measure={measure!r} is not known; choose one of {known}")
    with extras.needed():
        from harness.plots import pairs

    return pairs.draw(folders, workload=workload, measure=measure, only=only)


def learning_curves(
    *folders: str | Path,
    workload: str | None = None,
    metric: str = "loss",
    only: Selection = (),
) -> Picture:
    """Figure 3: how each class learned, and how far it was from class A, epoch by epoch.

    Args:
        folders: results folders and bundles; `results` if none is named.
        workload: one of the workloads; all of them if none is named.
        metric: one that the training reports, as `harness.history` names it.
        only: globs over ids of cells, or names of workloads; all cells if none is given.

    Returns:
        Two panels per workload: the metric as it was reported, and the distance from that of the
        largest class on a logarithmic scale, with a line of its own for what is equal to the last
        bit. A line per class and history, dashed for the runs of unstable cells; a dot per class
        where there was one epoch. Workloads that do not report the metric are left out.

    Raises:
        UsageError: there are no results in a folder, it is neither folder nor bundle, no workload
            reports the metric, or matplotlib is not installed.
        RecordError: a record, plan or bundle is damaged or of another schema.
        SelectionError: `only` matches no cell, there is no such workload, or nothing is planned.

    >>> import harness
    >>> figure = harness.plots.learning_curves("results/reference", workload="co2-lstm")
    >>> figure.axes[0].get_xlabel()
    'epoch'
    """
    with extras.needed():
        from harness.plots import curves

    return curves.draw(folders, workload=workload, metric=metric, only=only)
