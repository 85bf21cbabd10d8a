"""Sweeps whose tables are worked out by hand: written, loaded, and looked at row by row."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from results_factory import SweepOnDisk

from harness.analysis import run_table
from harness.matrix.cells import Cell

Answers = Iterable[tuple[Cell, Sequence[str]]]
"""Cells, and a word per repeat that stands for the weights it left."""


def runs_of(root: Path, answers: Answers, *, init: str = "init", **where: object) -> pd.DataFrame:
    """The runs of a sweep below `root` that left these answers; `where` is for `SweepOnDisk`."""
    sweep = SweepOnDisk(root=root, **where)  # type: ignore[arg-type]
    listed = list(answers)
    sweep.plan([each for each, _ in listed])
    for each, weights in listed:
        sweep.complete(each, *weights, init=init)
    return run_table.runs(root)


def rows_of(frame: pd.DataFrame, *names: str) -> list[tuple[object, ...]]:
    """These columns of a table, row by row."""
    return list(frame[list(names)].itertuples(index=False, name=None))


def combinations(**values: Iterable[object]) -> list[dict[str, Any]]:
    """Every combination of these values."""
    return [dict(zip(values, each, strict=True)) for each in itertools.product(*values.values())]
