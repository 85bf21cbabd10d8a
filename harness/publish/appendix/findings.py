"""The findings of an appendix: per workload how many cells repeat, how far metrics vary, claims."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from harness.analysis.class_letters import UNSTABLE
from harness.publish import claim_view
from harness.publish.appendix.document import Table

_VERDICTS = ("stable", "unstable", "untested")


def of_workloads(cells: pd.DataFrame) -> Table:
    """A row per workload: its cells by verdict, classes of equal weights, completed runs."""
    headers = ("workload", "cells", *_VERDICTS, "not run", "classes of equal weights", "runs")
    rows = [
        (str(workload), *map(str, _numbers(part)))
        for workload, part in cells.groupby("workload", sort=True)
    ]
    return Table(headers=headers, rows=tuple(rows), numeric=frozenset(headers[1:]))


def _numbers(cells: pd.DataFrame) -> Iterator[int]:
    ran = cells[cells["completed"] > 0]
    yield len(cells)
    yield from (int((ran["verdict"] == verdict).sum()) for verdict in _VERDICTS)
    yield len(cells) - len(ran)
    yield int(ran.loc[ran["class"] != UNSTABLE, "class"].nunique())
    yield int(cells["completed"].sum())


def of_metrics(runs: pd.DataFrame) -> Table:
    """A row per workload and metric: its range over all runs, and over the runs of one cell."""
    done = runs[(runs["status"] == "completed") & runs["value"].notna()]
    headers = ("workload", "metric", "runs", "smallest", "largest", "largest range within a cell")
    rows = []
    for (workload, metric), part in done.groupby(["workload", "metric"], sort=True):
        values = part["value"].astype(float)
        within = values.groupby([part["matrix"], part["machine"], part["cell"]])
        largest = float((within.max() - within.min()).max())
        numbers = (str(len(part)), f"{values.min():.6g}", f"{values.max():.6g}", f"{largest:.3g}")
        rows.append((str(workload), _named(str(metric), part), *numbers))
    return Table(headers=headers, rows=tuple(rows), numeric=frozenset(headers[2:]))


def _named(metric: str, runs: pd.DataFrame) -> str:
    units = {str(unit) for unit in runs["prediction_unit"].dropna() if unit}
    return f"{metric} ({', '.join(sorted(units))})" if units else metric


def of_claims(claims: pd.DataFrame) -> Table:
    """A row per claim and workload: the sentence, the experiment, and what the runs say."""
    headers = ("claim", "says", "source", "expected", "workload", "verdict", "held", "shown by")
    rows = zip(
        *(claims[name].astype(str) for name in ("claim", "says", "source", "expect", "workload")),
        claims["verdict"].astype(str),
        claim_view.held(claims),
        map(claim_view.PAIR.join, claim_view.cells(claims, claims)),
        strict=True,
    )
    return Table(headers=headers, rows=tuple(tuple(row) for row in rows))


def runs_per_cell(cells: pd.DataFrame) -> str:
    """`3 runs in 120 cells, 1 run in 6 cells`, completed ones; the most frequent first."""
    counts = cells.loc[cells["completed"] > 0, "completed"].value_counts()
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return ", ".join(
        f"{runs} run{'' if runs == 1 else 's'} in {number:,} cell{'' if number == 1 else 's'}"
        for runs, number in ordered
    )
