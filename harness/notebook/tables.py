"""The tables of the commands as DataFrames, each by one function."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pandas as pd

from harness import extras
from harness.analysis import (
    axis_table,
    cell_table,
    claim_table,
    claimed_cells,
    class_table,
    comparison_views,
    history_table,
    merging,
    price_table,
)
from harness.analysis.columns import BESIDE_WEIGHTS
from harness.errors import UsageError
from harness.notebook import sources
from harness.notebook.natural_order import in_natural_order
from harness.notebook.sources import Selection
from harness.notebook.table import Table

By = Literal["cell", "machine", "tensor", "axis", "class", "spread"]
Of = Literal["weights", "history", "outputs", "files", "printed"]


def load(*folders: str | Path, only: Selection = ()) -> Table:
    """The run table: one row per planned run, as `harness table --by run`.

    Args:
        folders: results folders, folders of one matrix or machine in them, publications and
            bundles, put side by side; `results` if none is named.
        only: globs over ids of cells, or names of workloads; all cells if none is given.

    Returns:
        A DataFrame with the columns of `harness.analysis.columns.RUN_COLUMNS` (results/README.md
        has them in a table), and behind `tf32` one for each parameter of a script. Digests are
        text, times are seconds, `loss` is exact, `value` is in the unit that `metric` names.
        Settings are numbers or ordered categories (see `harness.notebook.natural_order`).

    Raises:
        UsageError: there are no results in a folder, or it is neither folder nor bundle.
        RecordError: a record, plan or bundle is damaged or of another schema.
        SelectionError: `only` matches no cell.

    >>> import harness
    >>> runs = harness.load("results/reference")
    >>> runs["status"].value_counts().to_dict()
    {'completed': 1194, 'excluded': 90, 'unavailable': 12}
    >>> list(runs["python"].cat.categories)
    ['3.8', '3.9', '3.10', '3.11', '3.12', '3.13']
    """
    with sources.read(folders, only) as results:
        return _for_people(results.runs)


def cells(*folders: str | Path, only: Selection = ()) -> Table:
    """The cell table: what the runs of each cell say together, as `harness table --by cell`.

    Args:
        folders: results folders and bundles; `results` if none is named.
        only: globs over ids of cells, or names of workloads; all cells if none is given.

    Returns:
        One row per cell and machine, with the columns of `harness.analysis.columns.CELL_COLUMNS`:
        `verdict` is stable, unstable or untested, `class` a letter that cells of a workload with
        equal final weights share. Runs that the matrix no longer asks for do not count.

    Raises:
        UsageError: there are no results in a folder, or it is neither folder nor bundle.
        RecordError: a record, plan or bundle is damaged or of another schema.
        SelectionError: `only` matches no cell.

    >>> import harness
    >>> cells = harness.cells("results/gpu-check")
    >>> cells[cells["runs"] > 1].set_index("cell")["verdict"].value_counts().to_dict()
    {'stable': 4, 'unstable': 2}
    """
    with sources.read(folders, only) as results:
        return _for_people(cell_table.by_cell(results.runs))


def classes(*folders: str | Path, only: Selection = (), of: Of = "weights") -> Table:
    """The class table: which cells left the same bits, as `harness table --by class`.

    Args:
        folders: results folders and bundles; `results` if none is named.
        only: globs over ids of cells, or names of workloads; all cells if none is given.
        of: what is equal in a class: the final weights, or something left beside them.

    Returns:
        One row per workload and class, the largest first, unstable cells last, with the columns of
        `harness.analysis.columns.CLASS_COLUMNS`; the column of the digest is named by `of`.

    Raises:
        UsageError: there are no results in a folder, it is neither folder nor bundle, or `of` is
            another word.
        RecordError: a record, plan or bundle is damaged or of another schema.
        SelectionError: `only` matches no cell.

    >>> import harness
    >>> harness.classes("results/gpu-check", only="mnist-mlp")[["class", "cells", "where"]]
      class  cells            where
    0     A      2   determinism=on
    1     B      1  determinism=off
    """
    _require(of, ("weights", *BESIDE_WEIGHTS), "of")
    with sources.read(folders, only) as results:
        return _for_people(class_table.by_class(results.runs, of))


def axes(*folders: str | Path, only: Selection = ()) -> Table:
    """The axis table: which settings change bits, as `harness table --by axis`.

    Args:
        folders: results folders and bundles; `results` if none is named.
        only: globs over ids of cells, or names of workloads; all cells if none is given.

    Returns:
        One row per workload and axis that varies, with the columns of
        `harness.analysis.columns.EFFECT_COLUMNS`: of the `pairs` of cells that are found to differ
        in this axis alone, in how many the final weights `differ`.

    Raises:
        UsageError: there are no results in a folder, or it is neither folder nor bundle.
        RecordError: a record, plan or bundle is damaged or of another schema.
        SelectionError: `only` matches no cell.

    >>> import harness
    >>> axes = harness.axes("results/reference", only="mnist-mlp").set_index("axis")
    >>> axes.loc["onednn", ["pairs", "differ", "changes_bits"]].to_dict()
    {'pairs': 26, 'differ': 26, 'changes_bits': 'always'}
    """
    with sources.read(folders, only) as results:
        return _for_people(axis_table.by_axis(results.runs))


def prices(*folders: str | Path, only: Selection = ()) -> Table:
    """What each setting costs in time, as `harness table --by price`.

    Args:
        folders: results folders and bundles; `results` if none is named.
        only: globs over ids of cells, or names of workloads; all cells if none is given.

    Returns:
        One row per workload and value of an axis that is not its default, with the columns of
        `harness.analysis.price_table.PRICE_COLUMNS`. A ratio is seconds with the setting over
        seconds without it, the median over the `pairs` of cells that differ in nothing else.

    Raises:
        UsageError: there are no results in a folder, or it is neither folder nor bundle.
        RecordError: a record, plan or bundle is damaged or of another schema.
        SelectionError: `only` matches no cell.

    >>> import harness
    >>> prices = harness.prices("results/reference", only="mnist-mlp")
    >>> prices[["setting", "pairs"]].values.tolist()
    [['onednn=off', 34], ['determinism=on', 36]]
    """
    with sources.read(folders) as results:
        runs = merging.selected_rows(results.runs, sources.globs(only))
        return _for_people(price_table.by_price(runs, beside=results.runs))


def claims(*folders: str | Path, only: Selection = ()) -> Table:
    """The claim table: whether the claims of the matrix hold, as `harness table --by claim`.

    Args:
        folders: results folders and bundles; `results` if none is named.
        only: globs over ids of cells, or names of workloads; all cells if none is given.

    Returns:
        One row per claim and workload, with the columns of
        `harness.analysis.columns.CLAIM_COLUMNS`: `verdict` is supported, refuted, mixed or not
        tried. None where the matrix makes no claims.

    Raises:
        UsageError: there are no results in a folder, or it is neither folder nor bundle.
        RecordError: a record, plan or bundle is damaged or of another schema.
        SelectionError: `only` matches no cell.

    >>> import harness
    >>> len(harness.claims("results/gpu-check"))
    0
    """
    with sources.read(folders, only) as results:
        claimed = claimed_cells.read(named.sweep for named in results.sweeps)
        return _for_people(claim_table.of_cells(cell_table.by_cell(results.runs), claimed))


def history(*folders: str | Path, only: Selection = ()) -> Table:
    """The histories of all completed runs: what each reported at the end of every epoch.

    Args:
        folders: results folders and bundles; `results` if none is named.
        only: globs over ids of cells, or names of workloads; all cells if none is given.

    Returns:
        One row per run, epoch and metric (of a script: and per model and fit), with the columns of
        `harness.analysis.columns.HISTORY_COLUMNS`. `value` is the very number that the training
        reported, as it did: equal numbers are equal bits.

    Raises:
        UsageError: there are no results in a folder, or it is neither folder nor bundle.
        RecordError: a record, plan or bundle is damaged or of another schema.
        SelectionError: `only` matches no cell.

    >>> import harness
    >>> history = harness.history("results/reference", only="co2-lstm,tf2.21*,threads=1")
    >>> loss = history[(history["metric"] == "loss") & (history["repeat"] == 1)]
    >>> loss.groupby("epoch")["value"].nunique().tolist()
    [1, 1, 1]
    """
    with sources.read(folders, only) as results:
        return _for_people(history_table.by_epoch(results.runs, results.sweeps))


def compare(
    *folders: str | Path, baseline: str | None = None, by: By = "cell", only: Selection = ()
) -> Table:
    """Results side by side, as `harness compare`: what agrees, and how far apart the rest is.

    Args:
        folders: results folders and bundles; `results` if none is named.
        baseline: what to compare with, a machine or a cell by name or glob; if none is given, of
            the two machines with most cells in common the first one.
        by: what a row is: a `cell`, a `machine` and workload, a `tensor`; an `axis` or `class` of
            all cells together; the `spread` of the metric over seeds (needs the extra `spread`
            where there is a baseline).
        only: globs over ids of cells, or names of workloads; all cells if none is given.

    Returns:
        The columns of `harness.analysis.comparison_columns` for `cell`, `machine`, `tensor` and
        `spread`, `EFFECT_COLUMNS` and `EXPLAINED_COLUMNS` of `harness.analysis.columns` for `axis`
        and `class`. Differences of weights are absolute (`max_abs`), in floats between the two
        (`max_ulp`), and relative to the baseline's norm (`relative_l2`).

    Raises:
        UsageError: there are no results in a folder, it is neither folder nor bundle, `by` is
            another word, there is only one machine and no cell is named, or a package is missing.
        RecordError: a record, plan, bundle or stored array is damaged or of another schema.
        SelectionError: `only` matches no cell, or `baseline` names nothing, or several things.

    >>> import harness
    >>> compared = harness.compare("results/reference", only="mnist-cnn")
    >>> compared["verdict"].value_counts().to_dict()
    {'identical': 31, 'different': 5}
    """
    _require(by, comparison_views.VIEWS, "by")
    if baseline is not None and by in comparison_views.ONE_SIDED:
        raise UsageError(f"by={by!r} compares all cells with each other: leave baseline out")
    with sources.merged(folders) as merged, extras.needed():
        chosen = comparison_views.baseline(merged, baseline, by)
        keep = comparison_views.baseline_cells(merged, chosen, by)
        selected = merging.selected(merged, sources.globs(only), keep=keep)
        return _for_people(comparison_views.frames(selected, chosen, by)[0])


def _require(word: str, known: tuple[str, ...], name: str) -> None:
    if word not in known:
        raise UsageError(f"{name}={word!r} is not known; choose one of {', '.join(known)}")


def _for_people(frame: pd.DataFrame) -> Table:
    table: Table = Table(in_natural_order(frame))
    return table
