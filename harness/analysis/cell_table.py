"""The cell table: what the runs of each cell say together."""

from __future__ import annotations

import pandas as pd

from harness.analysis.class_letters import UNSTABLE, class_letters
from harness.analysis.columns import CELL_COLUMNS, frame_of
from harness.results.statuses import STATUSES

_KEY = ["matrix", "machine", "cell"]
_RESULTS = [
    "data_sha256",
    "init_sha256",
    "weights_sha256",
    "predictions_sha256",
    "loss",
    "metric",
    "value",
]


def by_cell(runs: pd.DataFrame) -> pd.DataFrame:
    """One row per cell and machine, in the order of the runs; see `CELL_COLUMNS`.

    Only planned runs count: the ten counts of statuses add up to `repeats`, the cell's planned
    rows in `runs`. A cell that the matrix no longer asks for has no row.
    """
    runs = runs[runs["planned"]].reset_index(drop=True)
    number = runs.groupby(_KEY, sort=False, dropna=False).ngroup()
    data = _of_first_run(runs, number)
    counts = _counts(runs, number)
    distinct = _distinct(runs, number)
    data["reason"] = _first_reason(runs, number).reindex(data.index).fillna("")
    data = pd.concat([data, counts, distinct], axis="columns")
    data["repeats"] = counts.sum(axis="columns")
    data["runs"] = data["completed"]
    data["status"] = _status_in_words(counts)
    data["verdict"] = _verdict(data)
    return classed(data)


def classed(cells: pd.DataFrame) -> pd.DataFrame:
    """A cell table of these cells, with their classes among each other."""
    return frame_of(cells.assign(**{"class": _class(cells)}), CELL_COLUMNS)


def _of_first_run(runs: pd.DataFrame, number: pd.Series[int]) -> pd.DataFrame:
    """Settings and results of each cell's first completed run, or of its first run."""
    order = pd.DataFrame({"number": number, "unfinished": ~_has_results(runs)})
    order["repeat"] = runs["repeat"]
    first = order.sort_values(["number", "unfinished", "repeat"], kind="stable")
    rows = runs.loc[first.drop_duplicates("number").index].reset_index(drop=True)
    # A run found invalid may have results, too; they are not the cell's.
    rows[_RESULTS] = rows[_RESULTS].where(rows["status"] == "completed")
    first_runs: pd.DataFrame = rows.drop(columns=["status", "reason", "planned", "repeat"])
    return first_runs


def _has_results(runs: pd.DataFrame) -> pd.Series[bool]:
    return (runs["status"] == "completed") & runs["weights_sha256"].notna()


def _counts(runs: pd.DataFrame, number: pd.Series[int]) -> pd.DataFrame:
    """How many runs of each cell have each status."""
    counts = runs.groupby([number, "status"]).size().unstack("status", fill_value=0)
    every: pd.DataFrame = counts.reindex(columns=list(STATUSES), fill_value=0)
    return every


def _distinct(runs: pd.DataFrame, number: pd.Series[int]) -> pd.DataFrame:
    done = runs[_has_results(runs)]
    names = {
        "distinct": "weights_sha256",
        "distinct_init": "init_sha256",
        "distinct_predictions": "predictions_sha256",
    }
    groups = done[list(names.values())].groupby(number[done.index])
    distinct = groups.nunique().set_axis(list(names), axis="columns")
    distinct["measured"] = groups.size()
    every: pd.DataFrame = distinct.reindex(range(number.nunique()), fill_value=0)
    return every


def _first_reason(runs: pd.DataFrame, number: pd.Series[int]) -> pd.Series[str]:
    given = runs["reason"].fillna("") != ""
    reasons = pd.DataFrame({"number": number[given], "reason": runs.loc[given, "reason"]})
    first: pd.Series[str] = reasons.drop_duplicates("number").set_index("number")["reason"]
    return first


def _status_in_words(counts: pd.DataFrame) -> pd.Series[str]:
    """`completed` where all runs are, `1 completed, 1 timeout` where they differ."""
    alone = (counts > 0).sum(axis="columns") == 1
    texts = counts.idxmax(axis="columns").astype("string")
    for row, mixed in counts[~alone].iterrows():
        texts[row] = ", ".join(f"{n} {status}" for status, n in mixed.items() if n)
    return texts


def _verdict(data: pd.DataFrame) -> pd.Series[str]:
    verdict = pd.Series("untested", index=data.index, dtype="string")
    verdict[(data["measured"] > 1) & (data["distinct"] == 1)] = "stable"
    verdict[data["distinct"] > 1] = "unstable"
    return verdict


def _class(data: pd.DataFrame) -> pd.Series[str]:
    settled = data["distinct"] == 1
    names = class_letters(data["workload"], data["weights_sha256"].where(settled))
    names[data["distinct"] > 1] = UNSTABLE
    return names
