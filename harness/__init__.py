"""Finds out by experiment which settings make Keras/TensorFlow trainings reproducible."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

__all__ = ["__version__", "claims", "load"]

__version__ = "0.4.0"


def load(folder: str | Path) -> pd.DataFrame:
    """The run table of a results folder, or of one matrix below it: one row per planned run.

    `harness.analysis.columns.RUN_COLUMNS` says what each column means.

    Raises:
        RecordError: a record or plan cannot be read, or is of another schema.
    """
    # pandas takes half a second to import, and most commands do not need it.
    from harness.analysis.run_table import runs

    return runs(folder)


def claims(folder: str | Path) -> pd.DataFrame:
    """The claim table of a results folder: one row per claim of a matrix and workload.

    `harness.analysis.columns.CLAIM_COLUMNS` says what each column means.

    Raises:
        RecordError: a record or plan cannot be read, or is of another schema.
    """
    from harness.analysis.claim_table import by_claim

    return by_claim(folder)
