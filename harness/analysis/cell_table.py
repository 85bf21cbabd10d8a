"""The cell table: what the runs of each cell say together."""

from __future__ import annotations

import pandas as pd

from harness.analysis import parameters
from harness.analysis.class_letters import UNSTABLE, class_letters
from harness.analysis.columns import BESIDE_WEIGHTS, CELL_COLUMNS, frame_of
from harness.results.statuses import STATUSES

WEIGHTS = "weights"
_OBSERVED = ("history", "outputs")
"""What is not known of a user's script that ran without being observed, as its weights."""

_KEY = ["matrix", "machine", "cell"]
_RESULTS = [
    "data_sha256",
    "init_sha256",
    "weights_sha256",
    "predictions_sha256",
    *(f"{name}_sha256" for name in BESIDE_WEIGHTS),
    "trace_sha256",
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
    data["verdict"] = _verdict(data["runs"], data["distinct"])
    data["weights_sha256"] = data["weights_sha256"].where(data["distinct"] > 0)
    for name in BESIDE_WEIGHTS:
        several = data[f"distinct_{name}"]
        data[f"verdict_{name}"] = _verdict(data["runs"], several).where(several > 0)
    return classed(data)


def judged_by(cells: pd.DataFrame, of: str) -> pd.DataFrame:
    """A cell table in which something beside the weights stands for them, and gives the classes.

    `of` is `weights` or one of `BESIDE_WEIGHTS`; digest, number and verdict are those of it.
    """
    if of == WEIGHTS:
        return cells
    stand_in = {
        "weights_sha256": cells[f"{of}_sha256"],
        "distinct": cells[f"distinct_{of}"],
        "verdict": cells[f"verdict_{of}"],
    }
    return classed(cells.assign(**stand_in))


def classed(cells: pd.DataFrame) -> pd.DataFrame:
    """A cell table of these cells, with their classes among each other."""
    own = parameters.names_in(cells)
    return frame_of(cells.assign(**{"class": _class(cells)}), CELL_COLUMNS, own)


def _of_first_run(runs: pd.DataFrame, number: pd.Series[int]) -> pd.DataFrame:
    """Settings and results of each cell's first completed run, or of its first run."""
    unfinished, unseen = runs["status"] != "completed", runs["weights_sha256"].isna()
    order = pd.DataFrame({"number": number, "unfinished": unfinished, "unseen": unseen})
    order["repeat"] = runs["repeat"]
    first = order.sort_values(["number", "unfinished", "unseen", "repeat"], kind="stable")
    rows = runs.loc[first.drop_duplicates("number").index].reset_index(drop=True)
    # A run found invalid may have results, too; they are not the cell's.
    rows[_RESULTS] = rows[_RESULTS].where(rows["status"] == "completed")
    first_runs: pd.DataFrame = rows.drop(columns=["status", "reason", "planned", "repeat"])
    return first_runs


def _counts(runs: pd.DataFrame, number: pd.Series[int]) -> pd.DataFrame:
    """How many runs of each cell have each status."""
    counts = runs.groupby([number, "status"]).size().unstack("status", fill_value=0)
    every: pd.DataFrame = counts.reindex(columns=list(STATUSES), fill_value=0)
    return every


def _distinct(runs: pd.DataFrame, number: pd.Series[int]) -> pd.DataFrame:
    done = runs[runs["status"] == "completed"]
    numbers = number[done.index]
    seen = done["weights_sha256"].notna()
    every_seen = seen.groupby(numbers).all()
    names = {
        "distinct": "weights_sha256",
        "distinct_init": "init_sha256",
        "distinct_predictions": "predictions_sha256",
    }
    groups = done[list(names.values())].groupby(numbers)
    distinct = groups.nunique().set_axis(list(names), axis="columns")
    distinct["distinct"] = _if_known(distinct["distinct"], every_seen)
    for name in BESIDE_WEIGHTS:
        its = done[seen] if name in _OBSERVED else done
        own = its[f"{name}_sha256"].groupby(numbers[its.index])
        several = _with_missing(own.nunique(), own.count(), own.size())
        several = several.reindex(distinct.index, fill_value=0)
        known = _if_known(several, every_seen) if name in _OBSERVED else several
        distinct[f"distinct_{name}"] = known
    every: pd.DataFrame = distinct.reindex(range(number.nunique()), fill_value=0)
    return every


def _if_known(distinct: pd.Series[int], every_seen: pd.Series[bool]) -> pd.Series[int]:
    """How many there are; 0 where some run was not seen and the others do not differ."""
    known: pd.Series[int] = distinct.where(every_seen | (distinct > 1), 0)
    return known


def _with_missing(
    distinct: pd.Series[int], present: pd.Series[int], runs: pd.Series[int]
) -> pd.Series[int]:
    """How many different results there are; none at all is one, where other runs have some."""
    return distinct + ((present > 0) & (present < runs)).astype(int)


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


def _verdict(runs: pd.Series[int], distinct: pd.Series[int]) -> pd.Series[str]:
    verdict = pd.Series("untested", index=runs.index, dtype="string")
    verdict[(runs > 1) & (distinct == 1)] = "stable"
    verdict[distinct > 1] = "unstable"
    return verdict


def _class(data: pd.DataFrame) -> pd.Series[str]:
    settled = data["distinct"] == 1
    names = class_letters(data["workload"], data["weights_sha256"].where(settled))
    names[data["distinct"] > 1] = UNSTABLE
    return names
