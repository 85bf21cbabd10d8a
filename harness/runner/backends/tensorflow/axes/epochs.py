"""`epochs`: passes over the training data."""

from __future__ import annotations

from typing import Any

from harness.runner.backends.tensorflow import stages
from harness.runner.findings import Finding
from harness.runner.run import Run

STAGE = stages.MODEL


def apply(value: Any, run: Run) -> None:
    """Hand the number to `fit`."""
    run.fit_arguments["epochs"] = run.own_or(value, "epochs")


def read(run: Run) -> Finding:
    """How many epochs there were."""
    return run.epochs_done, "the entries of the history"
