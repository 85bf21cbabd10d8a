"""`workload`: what is trained. The sequence of the run loads its module."""

from __future__ import annotations

from harness.runner.findings import Finding
from harness.runner.run import Run


def read(run: Run) -> Finding:
    """The name of the workload whose model there is."""
    if run.model is None or run.subject is None:
        return None, "the run ended before the model was built"
    return run.subject.name, "the workload that built the model"
