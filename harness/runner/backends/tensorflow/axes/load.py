"""`load`: other processes that compete with the training for its CPUs."""

from __future__ import annotations

from harness.runner import cpu_load
from harness.runner.backends.tensorflow import stages
from harness.runner.findings import Finding
from harness.runner.run import Run

STAGE = stages.START


def apply(value: str, run: Run) -> None:
    """Start them."""
    if value == "busy":
        run.load = cpu_load.begin()


def end(run: Run) -> None:
    """End them, and note what they did."""
    if run.load is not None:
        run.loaded, run.load = cpu_load.end(run.load), None


def read(run: Run) -> Finding:
    """Whether they ran as long as the training did."""
    if run.epochs_done is None:
        return None, "the run ended before the training did"
    return cpu_load.finding(run.loaded)
