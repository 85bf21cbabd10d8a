"""`inter_threads`: the operations that may run at the same time."""

from __future__ import annotations

from typing import Any

from harness.runner.backends.tensorflow import parallelism, stages
from harness.runner.findings import Finding
from harness.runner.run import Run

STAGE = stages.PROCESS


def apply(value: Any, run: Run) -> None:
    """Limit the inter-op pool."""
    parallelism.limit("inter_threads", "inter", value)


def read(run: Run) -> Finding:
    """The size of the inter-op pool."""
    if run.had_begun is None:
        return None, "the run ended before its settings were applied"
    return parallelism.size("inter", run), parallelism.getter("inter")
