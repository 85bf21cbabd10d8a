"""`eager`: functions that run eagerly instead of as graphs."""

from __future__ import annotations

import tensorflow as tf

from harness.runner.backends.tensorflow import stages
from harness.runner.backends.tensorflow.api import is_graph_mode
from harness.runner.findings import Finding, on_or_off
from harness.runner.refusals import Unsupported
from harness.runner.run import Run

STAGE = stages.MODEL


def apply(value: str, run: Run) -> None:
    """Let all functions run eagerly, the model's too."""
    if value != "on":
        return
    if is_graph_mode():
        raise Unsupported("eager: TensorFlow 1 trains Keras models in sessions")
    if hasattr(tf.config, "run_functions_eagerly"):
        tf.config.run_functions_eagerly(True)
    else:
        tf.config.experimental_run_functions_eagerly(True)
    run.compile_arguments["run_eagerly"] = True


def read(run: Run) -> Finding:
    """Whether functions run eagerly, everywhere or in the model."""
    ask = getattr(tf.config, "functions_run_eagerly", None)
    ask = ask or getattr(tf.config, "experimental_functions_run_eagerly", None)
    everywhere = bool(ask()) if ask is not None else False
    in_model = bool(run.model is not None and run.model.run_eagerly)
    how = "tf.config.functions_run_eagerly() %s, model.run_eagerly %s" % (everywhere, in_model)
    return on_or_off(everywhere or in_model), how
