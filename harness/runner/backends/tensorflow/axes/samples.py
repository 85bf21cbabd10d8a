"""`samples`: the training examples used, from the start of the data."""

from __future__ import annotations

from typing import Any

from harness.runner.backends.tensorflow import stages
from harness.runner.findings import Finding
from harness.runner.run import Run

STAGE = stages.MODEL


def apply(value: Any, run: Run) -> None:
    """Say how many rows are to be loaded."""
    run.samples = run.own_or(value, "samples")


def read(run: Run) -> Finding:
    """How many rows were loaded."""
    return run.rows if run.fit_received else None, "the rows of the array trained on"
