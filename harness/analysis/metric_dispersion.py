"""The spread table: the metric over seeds and repeats, and whether two groups of cells differ."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.analysis import parameters
from harness.analysis.cell_comparison import Baseline, Row
from harness.analysis.columns import frame_of, names
from harness.analysis.comparison_columns import SPREAD_COLUMNS
from harness.analysis.significance import Observations, Test, holm, two_sided
from harness.analysis.varied_axes import SETTINGS

_SEED = re.compile(r",seed=\d+")


@dataclass(frozen=True, kw_only=True)
class _Group:
    """Cells that are equal in everything but the seed, on one machine."""

    matrix: str
    machine: str
    name: str
    row: Row
    observations: Observations


def metric_dispersion(runs: pd.DataFrame, baseline: Baseline | None) -> pd.DataFrame:
    """One row per group of cells that differ in the seed only; see `SPREAD_COLUMNS`.

    With a baseline, each group of its workload is tested against it: against the group of the
    baseline cell, or against its like on the baseline machine.
    """
    groups = list(_groups(runs))
    rows, tests = [], []
    for group in groups:
        other = _other(group, groups, baseline)
        test = two_sided(group.observations, other.observations) if other else None
        rows.append({**group.row, **_of_test(test, other)})
        tests.append(test.p if test else math.nan)
    for row, adjusted in zip(rows, holm(tests), strict=True):
        row["p_adjusted"] = adjusted
    own = parameters.names_in(runs)
    listed = pd.DataFrame(rows, columns=[*names(SPREAD_COLUMNS), *own])
    return frame_of(listed, SPREAD_COLUMNS, own)


def group_of(cell: str) -> str:
    """The id of a cell without its seed."""
    return _SEED.sub("", cell)


def _groups(runs: pd.DataFrame) -> Iterator[_Group]:
    done = runs[runs["planned"] & (runs["status"] == "completed")]
    done = done.assign(group=done["cell"].map(group_of).astype("string"))
    for key, part in done.groupby(["matrix", "machine", "group", "metric"], sort=False):
        matrix, machine, name, metric = (str(value) for value in key)
        observations = _observations(part)
        place = {"matrix": matrix, "machine": machine, "group": name, "metric": metric}
        row = {**_settings(part.iloc[0]), **place, **_sizes(part, observations)}
        yield _Group(matrix=matrix, machine=machine, name=name, row=row, observations=observations)


def _settings(first: pd.Series[Any]) -> Row:
    settings = (*SETTINGS, *parameters.of_names(first.index), "workload", "emulated")
    return {name: first[name] for name in settings if name != "seed"}


def _observations(part: pd.DataFrame) -> Observations:
    """What counts as independent: seeds; of a single seed its runs, if their bits differ."""
    by_seed = {str(seed): rows["value"] for seed, rows in part.groupby("seed", sort=False)}
    if len(by_seed) > 1:
        return Observations(of="seed", values={seed: _mean(rows) for seed, rows in by_seed.items()})
    distinct = part["weights_sha256"].nunique() > 1
    values = part["value"].tolist() if distinct else part["value"].tolist()[:1]
    return Observations(of="run", values={str(i): value for i, value in enumerate(values)})


def _mean(values: pd.Series[float]) -> float:
    return statistics.fmean(values.tolist())


def _sizes(part: pd.DataFrame, observations: Observations) -> Row:
    values = list(observations.values.values())
    smallest, largest = float(part["value"].min()), float(part["value"].max())
    return {
        "cells": part["cell"].nunique(),
        "runs": len(part),
        "seeds": part["seed"].nunique(),
        "distinct": part["weights_sha256"].nunique(),
        "of": observations.of,
        "observations": len(values),
        "mean": statistics.fmean(values),
        "sd": statistics.stdev(values) if len(values) > 1 else math.nan,
        "smallest": smallest,
        "largest": largest,
        "range": largest - smallest,
    }


def _other(group: _Group, groups: Sequence[_Group], baseline: Baseline | None) -> _Group | None:
    """The group that this one is tested against; None for the baseline itself."""
    if baseline is None:
        return None
    wanted = _wanted(group, baseline)
    if wanted is None:
        return None
    candidates = [
        one
        for one in groups
        if one is not group
        and (one.machine, one.name) == (wanted["machine"], wanted["group"])
        and one.row["metric"] == group.row["metric"]
    ]
    same_matrix = [one for one in candidates if one.matrix == wanted["matrix"]]
    return next(iter(same_matrix or candidates), None)


def _wanted(group: _Group, baseline: Baseline) -> Mapping[str, str] | None:
    cell = baseline.cell
    if cell is None:
        same = group.machine == baseline.machine
        place = {"machine": baseline.machine, "group": group.name, "matrix": group.matrix}
        return None if same else place
    if cell["workload"] != group.row["workload"]:
        return None
    return {
        "machine": str(cell["machine"]),
        "group": group_of(str(cell["cell"])),
        "matrix": str(cell["matrix"]),
    }


def _of_test(test: Test | None, other: _Group | None) -> Row:
    if test is None or other is None:
        return {}
    return {
        "baseline": f"{other.machine}/{other.name}",
        "difference": test.difference,
        "low": test.low,
        "high": test.high,
        "p": test.p,
        "p_permutation": test.p_permutation,
        "test": test.sentence,
    }
