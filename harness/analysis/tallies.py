"""How many runs are alike in what a summary of them says."""

from __future__ import annotations

import pandas as pd

from harness.analysis.columns import RUN_COLUMNS, Column, frame_of

_ALIKE = ("matrix", "machine", "planned", "status", "lock_sha256", "runner_sha256", "audit")

TALLY_COLUMNS: tuple[Column, ...] = (
    *(column for column in RUN_COLUMNS if column.name in _ALIKE),
    Column(name="repeats", dtype="Int64", sentence="Planned runs of their cell; 0 if not planned."),
    Column(name="runs", dtype="Int64", sentence="Runs that are alike in all of these."),
)


def tally(runs: pd.DataFrame) -> pd.DataFrame:
    """A row per kind of run; see `TALLY_COLUMNS`."""
    cells = runs.groupby(["matrix", "machine", "cell"], sort=False)["planned"]
    alike = runs[[*_ALIKE]].assign(repeats=cells.transform("sum").where(runs["planned"], 0))
    sizes = alike.groupby([*alike.columns], sort=False, dropna=False).size()
    return frame_of(sizes.rename("runs").reset_index(), TALLY_COLUMNS)
