"""The table of the hybrids that a study tried, in the order in which they were tried."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from harness.analysis.class_letters import UNSTABLE
from harness.analysis.columns import Column, frame_of, names
from harness.studies.explanation import Hybrid

COLUMNS: tuple[Column, ...] = (
    Column(name="hybrid", dtype="string", sentence="A, B, or one with settings of the other."),
    Column(name="class", dtype="string", sentence="A and B for the ends' bits, C… for others."),
    Column(name="status", dtype="string", sentence="completed, unstable, or why not."),
    Column(name="runs", dtype="Int64", sentence="Completed runs."),
    Column(name="asked", dtype="Int64", sentence="Runs that were asked for."),
    Column(name="distinct", dtype="Int64", sentence="Different final weights among them."),
    Column(name="weights_sha256", dtype="string", sentence="The hash of the weights, if one."),
    Column(name="init_sha256", dtype="string", sentence="The same before the training."),
    Column(name="reason", dtype="string", sentence="Why runs did not complete."),
    Column(name="cell", dtype="string", sentence="The id of the cell."),
)

SHOWN = ("hybrid", "class", "status", "runs")
"""What people read; CSV and JSON have every column."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A hybrid with its name and the id of its cell."""

    name: str
    cell: str
    hybrid: Hybrid


def frame(rows: Iterable[Row], letters: Mapping[str, str]) -> pd.DataFrame:
    """A row per hybrid; see `COLUMNS`. `letters` are those of the weights."""
    values = [_values(row, letters) for row in rows]
    columns = {name: [value[name] for value in values] for name in names(COLUMNS)}
    return frame_of(columns, COLUMNS)


def _values(row: Row, letters: Mapping[str, str]) -> dict[str, object]:
    hybrid = row.hybrid
    one = hybrid.weights[0] if len(hybrid.weights) == 1 else None
    return {
        "hybrid": row.name,
        "class": ", ".join(letters[weights] for weights in hybrid.weights) or None,
        "status": UNSTABLE if hybrid.is_unstable else _status(hybrid),
        "runs": hybrid.completed,
        "asked": hybrid.asked,
        "distinct": len(hybrid.weights),
        "weights_sha256": one,
        "init_sha256": hybrid.init[0] if len(hybrid.init) == 1 else None,
        "reason": hybrid.obstacle or None,
        "cell": row.cell,
    }


def _status(hybrid: Hybrid) -> str:
    return "completed" if hybrid.is_complete else hybrid.obstacle.partition(":")[0]
