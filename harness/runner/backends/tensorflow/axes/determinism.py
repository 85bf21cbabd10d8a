"""`determinism`: TensorFlow's deterministic operations."""

from __future__ import annotations

import os

import tensorflow as tf

from harness.runner import variables
from harness.runner.backends.tensorflow import stages
from harness.runner.backends.tensorflow.api import is_graph_mode
from harness.runner.findings import Finding, on_or_off
from harness.runner.refusals import Unsupported
from harness.runner.run import Run

STAGE = stages.PROCESS

VARIABLE = "TF_DETERMINISTIC_OPS"


def apply(value: str, run: Run) -> None:
    """Turn them on; nothing turns them off again."""
    if value != "on":
        return
    if hasattr(tf.config.experimental, "enable_op_determinism"):
        tf.config.experimental.enable_op_determinism()
    elif is_graph_mode():
        raise Unsupported("determinism: TensorFlow 1 has no deterministic operations to ask for")
    else:
        # Read by C++ at the first operation, which has not happened yet.
        os.environ[VARIABLE] = "1"


def read(run: Run) -> Finding:
    """Whether operations are deterministic, or not at all."""
    if hasattr(tf.config.experimental, "enable_op_determinism"):
        # Released without a public name in every version so far.
        from tensorflow.python.framework import config

        return on_or_off(config.is_op_determinism_enabled()), "is_op_determinism_enabled()"
    value = variables.now(VARIABLE) or ""
    is_on = value.lower() in ("1", "true")
    how = "%s=%s before the first operation" % (VARIABLE, value)
    if is_on and run.had_begun is not False:
        return None, "%s=%s, perhaps only after it was read" % (VARIABLE, value)
    return on_or_off(is_on), how
