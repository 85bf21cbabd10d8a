"""`tf32`: TensorFloat-32 on NVIDIA GPUs."""

from __future__ import annotations

import tensorflow as tf

from harness.protocol.open_values import DEFAULT
from harness.runner.backends.tensorflow import stages
from harness.runner.findings import Finding, NotInThisVersion, on_or_off
from harness.runner.refusals import Unsupported
from harness.runner.run import Run

STAGE = stages.PROCESS


def apply(value: str, run: Run) -> None:
    """Allow or forbid it."""
    if value == DEFAULT:
        return
    if not hasattr(tf.config.experimental, "enable_tensor_float_32_execution"):
        raise Unsupported("tf32: this version has no switch for TensorFloat-32")
    tf.config.experimental.enable_tensor_float_32_execution(value == "on")


def read(run: Run) -> Finding:
    """Whether it is allowed."""
    ask = getattr(tf.config.experimental, "tensor_float_32_execution_enabled", None)
    if ask is None:
        raise NotInThisVersion("it has no switch for TensorFloat-32")
    return on_or_off(ask()), "tf.config.experimental.tensor_float_32_execution_enabled()"
