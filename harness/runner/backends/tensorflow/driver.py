"""The functions of the `Backend`: TensorFlow, from its first operation to the predictions."""

from __future__ import annotations

from typing import Dict, List, Mapping

import tensorflow as tf
from tensorflow.python.eager import context

from harness.protocol import processor
from harness.runner.backends.tensorflow import axes, fitting, generators, installation, stages
from harness.runner.backends.tensorflow.api import is_graph_mode
from harness.runner.backends.tensorflow.probing import Onednn, ask_onednn
from harness.runner.backends.tensorflow.state import named_weights
from harness.runner.data import Data
from harness.runner.findings import Reader
from harness.runner.refusals import Invalid
from harness.runner.run import Run

__all__ = [
    "build",
    "describe",
    "devices",
    "fit",
    "is_missing_kernel",
    "named_weights",
    "predict",
    "probe",
    "readers",
    "seed",
    "start",
    "watch",
]

predict = fitting.predict
watch = fitting.watch
describe = installation.describe
devices = installation.devices


def probe(log: str) -> Onednn:
    """What oneDNN says of itself."""
    return ask_onednn(log)


def start(run: Run) -> None:
    """Apply all but the seeds, then let TensorFlow make its thread pools.

    In TensorFlow 1 the first session makes them.
    """
    run.had_begun = not is_graph_mode() and context.context()._context_handle is not None
    _reset_keras()
    axes.apply(stages.PROCESS, run)
    axes.apply(stages.MODEL, run)
    if not is_graph_mode():
        context.context().ensure_initialized()
        run.threads = processor.threads()


def _reset_keras() -> None:
    """Undo what a user's keras.json may have set, since it changes what a model computes."""
    backend = tf.keras.backend
    if backend.backend() != "tensorflow":
        raise Invalid("keras backend: asked tensorflow, found %s" % backend.backend())
    backend.set_floatx("float32")
    backend.set_epsilon(1e-7)
    backend.set_image_data_format("channels_last")


def seed(run: Run) -> None:
    """Seed the generators, and note which of them have the seed then."""
    axes.apply(stages.SEED, run)
    run.seeded = generators.with_seed(run.asked["seed"])


def build(run: Run, data: Data) -> None:
    """Make the model, and give it the weights that it is to start from."""
    fitting.build(run, data)
    axes.apply(stages.WEIGHTS, run)
    run.built = named_weights(run.model)
    axes.apply(stages.START, run)


def fit(run: Run, data: Data) -> Dict[str, List[float]]:
    """Train, then end what was to last as long as that."""
    try:
        return fitting.fit(run, data)
    finally:
        axes.end(run)


def is_missing_kernel(error: Exception) -> bool:
    """Whether an operation said that it has no deterministic kernel, or can have none."""
    kinds = (tf.errors.UnimplementedError, tf.errors.FailedPreconditionError)
    return isinstance(error, kinds) and "determinis" in str(error).lower()


def readers() -> Mapping[str, Reader]:
    """What reads each axis and each version back."""
    return {**installation.READERS, **axes.readers()}
