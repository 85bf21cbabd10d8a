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
    column("alone", "Int64", "Pairs whose runs shared the machine with no other of the sweep."),
    column("fit_ratio", "float64", "Median over the pairs: seconds to train with it over without."),
    column("fit_low", "float64", "The smallest of these ratios."),
    column("fit_high", "float64", "The largest."),
    column("cpu_ratio", "float64", "The median ratio of the seconds that CPUs worked in fit."),
    column("cpu_low", "float64", "The smallest of these ratios."),
    column("cpu_high", "float64", "The largest."),
    column("total_ratio", "float64", "The median ratio of the seconds of whole runs."),
    column("examples", "object", "The pairs: ids of the cells with it and without it, by ratio."),
)

_ANOTHER_TRAINING = frozenset({"epochs", "batch_size", "samples", "workload", "parameters", "env"})
"""Axes that make it more or less work by intention, and mappings, which have no default."""

_TIMES = ["fit_s", "fit_cpu_s", "total_s"]
_CLOCK_S = 1.5
"""Runs that overlap by no more count as one after the other: their starts are whole seconds."""


def by_price(runs: pd.DataFrame, beside: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row per workload and value of an axis that is not its default; see `PRICE_COLUMNS`.

    Where `runs` are only some, `beside` are all runs of their sweeps.

    A cell's time is the median of its completed runs; that of the whole run where no fit was seen.
    Runs of a sweep share the machine, so that a ratio is worth little where few pairs stand behind
    it, or none of them was alone.
    """
    done = runs[(runs["status"] == "completed") & runs["total_s"].notna()]
    # Of a script's own loop no time is known but that of the whole run.
    times = done["fit_s"].fillna(done["total_s"])
    every = runs if beside is None else beside
    keys = ["matrix", "machine", "cell"]
    alone = every[[*keys, "repeat"]].assign(alone=_alone(every).reindex(every.index))
    done = done.assign(fit_s=times).merge(alone, on=[*keys, "repeat"])
    cells = done.drop_duplicates(keys).set_index(keys)
    grouped = done.groupby(keys)
    cells[_TIMES] = grouped[_TIMES].median().loc[cells.index]
    cells["alone"] = grouped["alone"].all().loc[cells.index]
    cells = cells.reset_index()
    rows = [row for _, part in cells.groupby("workload", sort=False) for row in _of_workload(part)]
    return frame_of(pd.DataFrame(rows, columns=names(PRICE_COLUMNS)), PRICE_COLUMNS)


def _alone(runs: pd.DataFrame) -> pd.Series[bool]:
    """Whether no other run was under way on the machine meanwhile, as far as the runs say."""
    timed = runs[runs["started"].notna() & runs["total_s"].notna()]
    begun = pd.to_datetime(timed["started"], utc=True, format="ISO8601")
    spans = pd.DataFrame({"machine": timed["machine"], "begun": begun})
    spans["ended"] = spans["begun"] + pd.to_timedelta(timed["total_s"] - _CLOCK_S, unit="s")
    spans = spans.sort_values("begun", kind="stable")
    by_machine = spans.groupby("machine", sort=False)
    before = by_machine["ended"].cummax().groupby(spans["machine"]).shift()
    after = by_machine["begun"].shift(-1)
    crossed = (before > spans["begun"]) | (after < spans["ended"])
    alone: pd.Series[bool] = ~crossed
    return alone


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
    fit, cpu, total = (paired[name] / paired[f"{name}_plain"] for name in _TIMES)
    order = fit.sort_values(kind="stable").index
    return {
        "workload": workload,
        "setting": setting,
        "against": against,
        "pairs": len(paired),
        "alone": int((paired["alone"] & paired["alone_plain"]).sum()),
        "fit_ratio": median(fit),
        "fit_low": fit.min(),
        "fit_high": fit.max(),
        "cpu_ratio": cpu.median(),
        "cpu_low": cpu.min(),
        "cpu_high": cpu.max(),
        "total_ratio": median(total),
        "examples": [
            (str(one), str(other))
            for one, other in paired.loc[order, ["cell", "cell_plain"]].itertuples(index=False)
        ],
    }
