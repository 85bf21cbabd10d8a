"""How many runs are alike in what a summary of them says."""

from __future__ import annotations

import pandas as pd

from harness.analysis.columns import RUN_COLUMNS, Column, frame_of

_ALIKE = ("matrix", "machine", "planned", "status", "lock_sha256", "runner_sha256", "audit")

TALLY_COLUMNS: tuple[Column, ...] = (
    *(column for column in RUN_COLUMNS if column.name in _ALIKE),
    Column(name="runs", dtype="Int64", sentence="Runs that are alike in these."),
)


def tally(runs: pd.DataFrame) -> pd.DataFrame:
    """A row per kind of run; see `TALLY_COLUMNS`."""
    sizes = runs.groupby([*_ALIKE], sort=False, dropna=False).size()
    return frame_of(sizes.rename("runs").reset_index(), TALLY_COLUMNS)
