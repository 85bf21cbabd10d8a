"""`batch_size`: examples per training step."""

from __future__ import annotations

import math
from typing import Any

from harness.runner.backends.tensorflow import stages
from harness.runner.findings import Finding
from harness.runner.run import Run

STAGE = stages.MODEL


def apply(value: Any, run: Run) -> None:
    """Hand the size to `fit`, or to the workload's pipeline."""
    run.fit_arguments["batch_size"] = run.own_or(value, "batch_size")


def read(run: Run) -> Finding:
    """What `fit` or the pipeline got, if as many steps were made as that takes."""
    given = run.fed or run.fit_received.get("batch_size")
    if run.steps is None or run.rows is None or given is None:
        return given, "the number given to fit or the pipeline"
    how = "%d steps for %d examples" % (run.steps, run.rows)
    return (given if math.ceil(run.rows / given) == run.steps else run.rows // run.steps), how
