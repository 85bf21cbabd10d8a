"""`precision`: the policy by which Keras chooses the types of its numbers."""

from __future__ import annotations

from typing import Any, Tuple

import tensorflow as tf

from harness.protocol.open_values import DEFAULT
from harness.runner.backends.tensorflow import stages
from harness.runner.findings import Finding
from harness.runner.refusals import Unsupported
from harness.runner.run import Run

STAGE = stages.MODEL


def apply(value: str, run: Run) -> None:
    """Set the policy of all layers to come."""
    if value in ("float32", DEFAULT):
        return
    if not hasattr(getattr(tf.keras, "mixed_precision", None), "set_global_policy"):
        raise Unsupported("precision: this version has no stable mixed precision")
    tf.keras.mixed_precision.set_global_policy(value)


def read(run: Run) -> Finding:
    """The policy of the layers; those that compute in float32 whatever the policy do not count."""
    name, how = _global_policy()
    if run.model is None:
        return name, how
    layers = sorted(set(filter(None, map(_policy, run.model.layers))) - {"float32"})
    if not layers:
        has_any = any(_policy(layer) for layer in run.model.layers)
        return ("float32" if has_any else name), "%s, and every layer's policy" % how
    return "+".join(layers), "%s, and the layers' policies" % how


def _global_policy() -> Tuple[str, str]:
    module = tf.keras.mixed_precision
    if not hasattr(module, "global_policy"):
        module = module.experimental
    name = str(module.global_policy().name)
    if name == "infer":
        # TensorFlow 1: layers take the type of their input, and variables Keras' own.
        return str(tf.keras.backend.floatx()), "policy infer, tf.keras.backend.floatx()"
    return name, "tf.keras.mixed_precision.global_policy()"


def _policy(layer: Any) -> str:
    """The name of a layer's policy, "" where it does not say."""
    for attribute in ("dtype_policy", "_dtype_policy"):
        name = getattr(getattr(layer, attribute, None), "name", None)
        if name not in (None, "infer"):
            return str(name)
    return ""
