"""`onednn`: oneDNN's operations in place of TensorFlow's own. The host sets the variable."""

from __future__ import annotations

from harness.runner.backends.tensorflow import stages
from harness.runner.backends.tensorflow.probing import ONEDNN_LINE
from harness.runner.findings import Finding
from harness.runner.refusals import Unsupported
from harness.runner.run import Run

STAGE = stages.PROCESS


def apply(value: str, run: Run) -> None:
    """Refuse a TensorFlow that is set to use oneDNN, and has none."""
    variable = run.imported.variables.get("TF_ENABLE_ONEDNN_OPTS")
    if value == "on" and variable == "1" and read(run)[0] == "off":
        raise Unsupported("onednn: this TensorFlow has no oneDNN operations to turn on")


def read(run: Run) -> Finding:
    """Whether oneDNN's operations replaced TensorFlow's own."""
    if ONEDNN_LINE.search(run.imported.log):
        return "on", "TensorFlow's log: oneDNN custom operations are on"
    if run.imported.variables.get("TF_CPP_MIN_LOG_LEVEL", "0") not in ("0", ""):
        return None, "TF_CPP_MIN_LOG_LEVEL hides TensorFlow's log line"
    return "off", "TensorFlow's log has no line about oneDNN custom operations"
