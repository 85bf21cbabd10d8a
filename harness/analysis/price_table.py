"""What a setting costs: the time of cells with it against the same cells without it."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

import pandas as pd

from harness.analysis.columns import WORKLOAD, Column, column, frame_of, names
from harness.analysis.varied_axes import settings_of
from harness.protocol.axes import BY_NAME
from harness.subjects.reference import is_script

PRICE_COLUMNS: tuple[Column, ...] = (
    WORKLOAD,
    column("setting", "string", "The setting, as asked: `determinism=on`."),
    column("against", "string", "What it is compared with: the axis at its default."),
    column("pairs", "Int64", "Pairs of cells that differ in nothing else that was asked."),
    column("fit_ratio", "float64", "Median over the pairs: seconds in fit with it over without."),
    column("fit_low", "float64", "The smallest of these ratios."),
    column("fit_high", "float64", "The largest."),
    column("total_ratio", "float64", "The median ratio of the seconds of whole runs."),
    column("examples", "object", "The pairs: ids of the cells with it and without it, by ratio."),
)

SHOWN = ("workload", "setting", "against", "pairs", "fit_ratio", "fit_low", "fit_high")
"""What people read; CSV and JSON have every column."""

_ANOTHER_TRAINING = frozenset({"epochs", "batch_size", "samples", "workload", "parameters", "env"})
"""Axes that make it more or less work by intention, and mappings, which have no default."""


def by_price(runs: pd.DataFrame) -> pd.DataFrame:
    """One row per workload and value of an axis that is not its default; see `PRICE_COLUMNS`.

    A cell's time is the median of its completed runs. Runs of a sweep share the machine, so that a
    ratio is worth little where few pairs stand behind it.
    """
    done = runs[(runs["status"] == "completed") & runs["fit_s"].notna()]
    keys = ["matrix", "machine", "cell"]
    cells = done.drop_duplicates(keys).set_index(keys)
    times = done.groupby(keys)[["fit_s", "total_s"]].median()
    cells[["fit_s", "total_s"]] = times.loc[cells.index]
    cells = cells.reset_index()
    rows = [row for _, part in cells.groupby("workload", sort=False) for row in _of_workload(part)]
    return frame_of(pd.DataFrame(rows, columns=names(PRICE_COLUMNS)), PRICE_COLUMNS)


def _of_workload(cells: pd.DataFrame) -> Iterator[dict[str, Any]]:
    settings = settings_of(cells)
    for axis in settings:
        if axis in BY_NAME and axis not in _ANOTHER_TRAINING and cells[axis].nunique() > 1:
            yield from _of_axis(cells, axis, [name for name in settings if name != axis])


def _of_axis(cells: pd.DataFrame, axis: str, others: list[str]) -> Iterator[dict[str, Any]]:
    workload = str(cells["workload"].iloc[0])
    default = str(BY_NAME[axis].script_default if is_script(workload) else BY_NAME[axis].default)
    texts = cells.assign(**{name: cells[name].astype("string").fillna("") for name in others})
    plain = texts[texts[axis] == default]
    for value, part in texts[texts[axis] != default].groupby(axis, sort=True):
        paired = part.merge(plain, on=["matrix", *others], suffixes=("", "_plain"))
        if len(paired):
            yield _row(workload, f"{axis}={value}", f"{axis}={default}", paired)


def _row(workload: str, setting: str, against: str, paired: pd.DataFrame) -> dict[str, Any]:
    ratios = paired["fit_s"] / paired["fit_s_plain"]
    order = ratios.sort_values(kind="stable").index
    return {
        "workload": workload,
        "setting": setting,
        "against": against,
        "pairs": len(paired),
        "fit_ratio": median(ratios),
        "fit_low": ratios.min(),
        "fit_high": ratios.max(),
        "total_ratio": median(paired["total_s"] / paired["total_s_plain"]),
        "examples": [
            (str(one), str(other))
            for one, other in paired.loc[order, ["cell", "cell_plain"]].itertuples(index=False)
        ],
    }
