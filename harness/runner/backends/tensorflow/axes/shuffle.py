"""`shuffle`: the training data in another order in each epoch."""

from __future__ import annotations

from typing import Any, List

from harness.runner.backends.tensorflow import stages
from harness.runner.findings import Finding, on_or_off
from harness.runner.run import Run

STAGE = stages.MODEL


def apply(value: str, run: Run) -> None:
    """Let `fit`, or the workload's pipeline, shuffle."""
    run.fit_arguments["shuffle"] = value != "off"


def read(run: Run) -> Finding:
    """What `fit` got, or which stages the pipeline has that it got."""
    if not run.fit_received:
        return None, "the run ended before the training"
    if run.fed is None:
        return on_or_off(run.fit_received.get("shuffle")), "the argument that model.fit got"
    stages_fed = _stages(run.fit_received["x"])
    return on_or_off(any("Shuffle" in each for each in stages_fed)), "the stages of the pipeline"


def _stages(pipeline: Any) -> List[str]:
    below = [stage for each in pipeline._inputs() for stage in _stages(each)]
    return [type(pipeline).__name__, *below]
