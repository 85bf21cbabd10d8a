"""`shuffle`: the training data in another order in each epoch."""

from __future__ import annotations

from typing import Any, List

import tensorflow as tf

from harness.runner import shared_random
from harness.runner.backends.tensorflow import stages
from harness.runner.backends.tensorflow.api import is_graph_mode
from harness.runner.backends.tensorflow.pipelines import digest
from harness.runner.findings import Finding, on_or_off
from harness.runner.refusals import Unsupported
from harness.runner.run import Run

STAGE = stages.MODEL


def apply(value: str, run: Run) -> None:
    """Let `fit`, or the workload's pipeline, shuffle; shared orders are the harness' own."""
    run.fit_arguments["shuffle"] = value not in ("off", "shared")
    if value != "shared":
        return
    if is_graph_mode() or not hasattr(tf.data.experimental, "assert_cardinality"):
        raise Unsupported("shuffle: this version has no pipeline that can take the shared order")
    run.orders = []


def read(run: Run) -> Finding:
    """What `fit` got, or which stages the pipeline has that it got and which orders it took."""
    if not run.fit_received:
        return None, "the run ended before the training"
    if run.fed is None:
        return on_or_off(run.fit_received.get("shuffle")), "the argument that model.fit got"
    is_shuffled = any("Shuffle" in each for each in _stages(run.fit_received["x"]))
    if run.orders is None or is_shuffled:
        return on_or_off(is_shuffled), "the stages of the pipeline"
    if run.epochs_done is None or run.rows is None:
        return None, "the run ended before the training did"
    how = "the orders that the pipeline took, by digest: %s" % ", ".join(
        each[:8] for each in run.orders
    )
    return ("shared" if run.orders == _shared(run, run.epochs_done, run.rows) else "other"), how


def _shared(run: Run, epochs: int, rows: int) -> List[str]:
    seed = run.asked["seed"]
    return [digest(shared_random.permutation(seed, epoch, rows)) for epoch in range(epochs)]


def _stages(pipeline: Any) -> List[str]:
    below = [stage for each in pipeline._inputs() for stage in _stages(each)]
    return [type(pipeline).__name__, *below]
