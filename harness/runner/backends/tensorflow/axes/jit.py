"""`jit`: XLA compilation."""

from __future__ import annotations

from harness.runner.backends.tensorflow import stages
from harness.runner.backends.tensorflow.api import is_graph_mode
from harness.runner.findings import Finding
from harness.runner.refusals import Unsupported
from harness.runner.run import Run

STAGE = stages.MODEL

COMPILED_LINE = "Compiled cluster using XLA"
"""Logged by TensorFlow when XLA compiles for the first time in a process."""


def apply(value: str, run: Run) -> None:
    """Let the model be compiled by XLA, or not; auto leaves it to Keras."""
    if value == "on" and run.asked["eager"] == "on":
        raise Unsupported("jit: a model that runs eagerly cannot be compiled by XLA")
    if is_graph_mode():
        # TensorFlow 1 takes any argument here, and fails on it in `fit`.
        if value == "on":
            raise Unsupported("jit: Model.compile of TensorFlow 1 has no jit_compile")
    elif value != "auto":
        run.compile_arguments["jit_compile"] = value == "on"


def read(run: Run) -> Finding:
    """Whether XLA compiled anything, whoever asked for it: the model, a layer, a variable."""
    if run.log is None:
        return None, "the run ended before the training did"
    asked = "model.jit_compile is %s" % getattr(
        run.model, "jit_compile", getattr(run.model, "_jit_compile", None)
    )
    if COMPILED_LINE in run.log:
        return "on", "TensorFlow's log: %s; %s" % (COMPILED_LINE, asked)
    if run.imported.variables.get("TF_CPP_MIN_LOG_LEVEL", "0") not in ("0", ""):
        return None, "TF_CPP_MIN_LOG_LEVEL hides TensorFlow's log line; %s" % asked
    return "off", "TensorFlow's log has no line about a compiled cluster; %s" % asked
