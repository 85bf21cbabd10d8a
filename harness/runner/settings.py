"""Applying the run-scope axes, each at the moment its version of TensorFlow wants it.

One function per axis, in the order in which they must happen. All of them run after the import
and before the first operation. What a version can do is found by asking it, not by its number.
"""

from __future__ import annotations

import os
import random
from typing import Any, Callable, Dict, Optional, Tuple

import numpy as np
import tensorflow as tf
from tensorflow.python.eager import context

from harness.protocol import processor
from harness.runner.refusals import Invalid, Unsupported

DETERMINISM_VARIABLE = "TF_DETERMINISTIC_OPS"

GENERATORS: Dict[str, Tuple[str, ...]] = {
    "all": ("python", "numpy", "tf"),
    "python": ("python",),
    "numpy": ("numpy",),
    "tf": ("tf",),
    "none": (),
}
"""Which generators each value of `seeding` names."""

visibility: Any = tf.config if hasattr(tf.config, "set_visible_devices") else tf.config.experimental
"""Where this version keeps `list_physical_devices` and its kin."""


def is_graph_mode() -> bool:
    """Whether this is TensorFlow 1 with its sessions."""
    return hasattr(tf, "Session")


def apply(settings: Dict[str, Any], device: str) -> None:
    """Apply every run-scope axis except the seeds and what `compile` and `fit` take.

    Raises:
        Unsupported: this version cannot apply a value.
        Invalid: the machine does not have what is asked for.
    """
    _plain_keras()
    _determinism(settings["determinism"])
    _device(device)
    for axis, setter in _SETTERS.items():
        setter(settings[axis])


def had_begun() -> bool:
    """Whether operations ran, or could have, before anything was set here."""
    return not is_graph_mode() and context.context()._context_handle is not None


def begin() -> Optional[int]:
    """Let TensorFlow make its thread pools now, since all that must come before is applied.

    Returns how many threads there are then; None in TensorFlow 1, whose first session makes them.
    """
    if is_graph_mode():
        return None
    context.context().ensure_initialized()
    return processor.threads()


def compile_settings(settings: Dict[str, Any]) -> Dict[str, Any]:
    """The arguments of `compile` that `eager` and `jit` ask for.

    Raises:
        Unsupported: XLA compilation in a version without it, or of code that is not compiled.
    """
    if settings["eager"] == "on" and settings["jit"] == "on":
        raise Unsupported("jit: a model that runs eagerly cannot be compiled by XLA")
    arguments: Dict[str, Any] = {}
    if settings["eager"] == "on":
        arguments["run_eagerly"] = True
    if is_graph_mode():
        # TensorFlow 1 takes any argument here, and fails on it in `fit`.
        if settings["jit"] == "on":
            raise Unsupported("jit: Model.compile of TensorFlow 1 has no jit_compile")
    elif settings["jit"] != "auto":
        arguments["jit_compile"] = settings["jit"] == "on"
    return arguments


def compile_model(model: Any, settings: Dict[str, Any], **arguments: Any) -> None:
    """Compile the model as asked; a Keras without `jit_compile` never compiles with XLA.

    Raises:
        Unsupported: XLA is asked for and this Keras cannot, or does without it.
    """
    wanted = compile_settings(settings)
    try:
        model.compile(**arguments, **wanted)
    except (TypeError, ValueError) as error:
        if "jit_compile" not in str(error) or "jit_compile" not in wanted:
            raise
        if wanted.pop("jit_compile"):
            raise Unsupported("jit: Model.compile of this version has no jit_compile") from error
        model.compile(**arguments, **wanted)
    if wanted.get("jit_compile") and not getattr(model, "jit_compile", True):
        raise Unsupported(
            "jit: this Keras leaves the model without XLA, as it does under op determinism or with"
            " a layer that XLA cannot compile"
        )


def seed_generators(seeding: str, seed: int) -> None:
    """Give the seed to the generators that `seeding` names, and fresh entropy to the others.

    Without the entropy, children forked from one process would share their parent's state, and
    runs without a seed would look reproducible.
    """
    random.seed()
    np.random.seed()
    for generator in GENERATORS[seeding]:
        _SEEDERS[generator](seed)


def _seed_tensorflow(seed: int) -> None:
    if hasattr(tf.random, "set_seed"):
        tf.random.set_seed(seed)
    else:
        tf.compat.v1.set_random_seed(seed)


_SEEDERS: Dict[str, Callable[[int], Any]] = {
    "python": random.seed,
    "numpy": np.random.seed,
    "tf": _seed_tensorflow,
}


def _plain_keras() -> None:
    """Undo what a user's keras.json may have set, since it changes what a model computes."""
    backend = tf.keras.backend
    if backend.backend() != "tensorflow":
        raise Invalid("keras backend: asked tensorflow, found %s" % backend.backend())
    backend.set_floatx("float32")
    backend.set_epsilon(1e-7)
    backend.set_image_data_format("channels_last")


def _determinism(value: str) -> None:
    if value == "off":
        return
    if hasattr(tf.config.experimental, "enable_op_determinism"):
        tf.config.experimental.enable_op_determinism()
    elif is_graph_mode():
        raise Unsupported("determinism: TensorFlow 1 has no deterministic operations to ask for")
    else:
        # Read by C++ at the first operation, which has not happened yet.
        os.environ[DETERMINISM_VARIABLE] = "1"


def _device(value: str) -> None:
    if value == "cpu":
        visibility.set_visible_devices([], "GPU")
    elif not visibility.list_physical_devices("GPU"):
        raise Invalid(
            "device: asked gpu, found none: TensorFlow sees no GPU; check the driver, that the GPU"
            " is handed to the process, and that this TensorFlow's CUDA libraries are installed"
        )


def _threads(value: Any) -> None:
    _parallelism("threads", "intra", value)


def _inter_threads(value: Any) -> None:
    _parallelism("inter_threads", "inter", value)


def _parallelism(axis: str, kind: str, value: Any) -> None:
    threading = tf.config.threading
    if value == "default":
        return
    try:
        getattr(threading, "set_%s_op_parallelism_threads" % kind)(value)
    except RuntimeError as error:
        found = getattr(threading, "get_%s_op_parallelism_threads" % kind)()
        raise Invalid("%s: asked %s, found %s: %s" % (axis, value, found, error)) from error


def _scheduling(value: str) -> None:
    """Set the policy of this thread and of those it starts: TensorFlow's, made from here on.

    The default is batch: the thread that tunes a pipeline is woken to end, and where it interrupts
    at once it may find no order to yet and sleep on, up to 0.6 s, while the training waits.
    """
    policies = {"batch": "SCHED_BATCH", "other": "SCHED_OTHER"}
    try:
        policy = getattr(os, policies.get(value, "SCHED_BATCH"))
        os.sched_setscheduler(0, policy, os.sched_param(0))
    except (AttributeError, OSError) as error:
        if value != "default":
            raise Invalid("scheduling: asked %s, cannot be had: %s" % (value, error)) from error


def _tf32(value: str) -> None:
    if value == "default":
        return
    if not hasattr(tf.config.experimental, "enable_tensor_float_32_execution"):
        raise Unsupported("tf32: this version has no switch for TensorFloat-32")
    tf.config.experimental.enable_tensor_float_32_execution(value == "on")


def _precision(value: str) -> None:
    if value == "float32":
        return
    if not hasattr(getattr(tf.keras, "mixed_precision", None), "set_global_policy"):
        raise Unsupported("precision: this version has no stable mixed precision")
    tf.keras.mixed_precision.set_global_policy(value)


def _eager(value: str) -> None:
    if value == "off":
        return
    if is_graph_mode():
        raise Unsupported("eager: TensorFlow 1 trains Keras models in sessions")
    if hasattr(tf.config, "run_functions_eagerly"):
        tf.config.run_functions_eagerly(True)
    else:
        tf.config.experimental_run_functions_eagerly(True)


_SETTERS: Dict[str, Callable[[Any], None]] = {
    "threads": _threads,
    "inter_threads": _inter_threads,
    "scheduling": _scheduling,
    "tf32": _tf32,
    "precision": _precision,
    "eager": _eager,
}
