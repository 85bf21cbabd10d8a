"""Reading back what really was in force, axis by axis, and comparing it with what was asked.

One function per axis, each returning the value in the form a matrix has it and where the answer
comes from. None means: cannot be read back in this version. That is never taken as a confirmation.
"""

from __future__ import annotations

import os
import random
import re
import sys
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Tuple

import numpy as np
import tensorflow as tf

from . import processor
from .reply import one_line
from .settings import DETERMINISM_VARIABLE, GENERATORS, visibility

Finding = Tuple[Any, str]

OPEN_VALUES = ("default", "auto")
"""Values that ask for nothing in particular, so nothing can differ from them."""

_ONEDNN_LINE = re.compile(r"oneDNN custom operations are on")
_TENSORFLOW_SEEDS = 2**31 - 1


@dataclass
class Run:
    """What the read-back looks at; filled as the run goes on, so that a failed run has some.

    `used` holds, by axis, the values that went into `fit` or the pipeline; `seeded` the seed each
    generator was found to have right after seeding.
    """

    asked: Dict[str, Any]
    log: str
    variables: Dict[str, str]
    used: Dict[str, Any] = field(default_factory=dict)
    seeded: Optional[List[str]] = None
    model: Any = None


def found(run: Run) -> Dict[str, Dict[str, Any]]:
    """Every axis asked for, and the device, as `{"value": …, "how": …}`."""
    findings = {}
    for axis in [*run.asked, "device"]:
        value, how = _read(axis, run)
        findings[axis] = {"value": value, "how": how}
    return findings


def mismatches(asked: Dict[str, Any], findings: Dict[str, Dict[str, Any]]) -> List[str]:
    """One sentence per axis whose value was read back and is not the one asked for."""
    return [
        "%s: asked %s, found %s (%s)"
        % (axis, value, findings[axis]["value"], findings[axis]["how"])
        for axis, value in sorted(asked.items())
        if value not in OPEN_VALUES
        and findings[axis]["value"] is not None
        and findings[axis]["value"] != value
    ]


def lacks_onednn(run: Run) -> bool:
    """Whether oneDNN was turned on as it should be, and this TensorFlow has none to turn on."""
    asked = run.asked["onednn"] == "on" and run.variables.get("TF_ENABLE_ONEDNN_OPTS") == "1"
    return asked and _onednn(run)[0] == "off"


def generators_with(seed: int) -> List[str]:
    """The generators whose state now is the one this seed gives. Draws from none of them."""
    states = {
        "python": random.getstate() == random.Random(seed).getstate(),
        "numpy": _numpy_state(np.random) == _numpy_state(np.random.RandomState(seed)),
        "tf": tf.compat.v1.get_seed(1)[0] == seed % _TENSORFLOW_SEEDS,
    }
    return [name for name in GENERATORS["all"] if states[name]]


def _numpy_state(generator: Any) -> Tuple[Any, ...]:
    name, keys, *rest = generator.get_state()
    return (name, keys.tobytes(), *rest)


def _read(axis: str, run: Run) -> Finding:
    reader = READERS.get(axis)
    if reader is None:
        return run.used.get(axis), "the value used in training"
    try:
        return reader(run)
    except Exception as error:
        # Whatever a version's getter does, a training that is over keeps its reply.
        return None, "cannot be read back in this version (%s)" % one_line(error)


def _onednn(run: Run) -> Finding:
    if _ONEDNN_LINE.search(run.log):
        return "on", "TensorFlow's log: oneDNN custom operations are on"
    if run.variables.get("TF_CPP_MIN_LOG_LEVEL", "0") not in ("0", ""):
        return None, "TF_CPP_MIN_LOG_LEVEL hides TensorFlow's log line"
    return "off", "TensorFlow's log has no line about oneDNN custom operations"


def _isa(run: Run) -> Finding:
    value = run.variables.get("ONEDNN_MAX_CPU_ISA")
    if value is None:
        return "native", "ONEDNN_MAX_CPU_ISA is not set"
    flags = processor.cpu_flags()
    if not processor.supports(value.lower(), flags):
        return processor.best_of(flags), "ONEDNN_MAX_CPU_ISA=%s, which this CPU lacks" % value
    return value.lower(), "ONEDNN_MAX_CPU_ISA and the CPU's flags"


def _contraction_kernel(run: Run) -> Finding:
    name = "TENSORFLOW_USE_CUSTOM_CONTRACTION_KERNEL"
    value = run.variables.get(name)
    if value is None:
        return "default", "%s is not set" % name
    return "off" if value.lower() in ("false", "0") else "on", "%s=%s" % (name, value)


def _hash_seed(run: Run) -> Finding:
    value = run.variables.get("PYTHONHASHSEED", "")
    how = "PYTHONHASHSEED=%s, sys.flags.hash_randomization=%d" % (
        value,
        sys.flags.hash_randomization,
    )
    if value.isdigit():
        return int(value), how
    return "random" if sys.flags.hash_randomization else None, how


def _cpus(run: Run) -> Finding:
    return processor.usable_cpus(), "os.sched_getaffinity(0)"


def _env(run: Run) -> Finding:
    names = run.asked["env"]
    return {name: run.variables[name] for name in names if name in run.variables}, "os.environ"


def _seed(run: Run) -> Finding:
    how = "the generators' states after seeding: %s" % _seeding(run)[0]
    return run.asked["seed"] if run.seeded else None, how


def _seeding(run: Run) -> Finding:
    if run.seeded is None:
        return None, "the run ended before seeding"
    words = {names: word for word, names in GENERATORS.items()}
    return words.get(tuple(run.seeded), "+".join(run.seeded)), "the generators' states"


def _threads(run: Run) -> Finding:
    number = tf.config.threading.get_intra_op_parallelism_threads()
    how = "tf.config.threading.get_intra_op_parallelism_threads()"
    return _effective(number, "TF_NUM_INTRAOP_THREADS", how, run)


def _inter_threads(run: Run) -> Finding:
    number = tf.config.threading.get_inter_op_parallelism_threads()
    how = "tf.config.threading.get_inter_op_parallelism_threads()"
    return _effective(number, "TF_NUM_INTEROP_THREADS", how, run)


def _effective(number: int, variable: str, how: str, run: Run) -> Finding:
    """Zero is TensorFlow's word for its default: the variable, or else every usable CPU."""
    if number > 0:
        return number, how
    if run.variables.get(variable, "").isdigit():
        return None, "%s is 0, and %s=%s" % (how, variable, run.variables[variable])
    return processor.usable_cpus(), "%s is 0: one per CPU of os.sched_getaffinity(0)" % how


def _determinism(run: Run) -> Finding:
    if not hasattr(tf.config.experimental, "enable_op_determinism"):
        value = os.environ.get(DETERMINISM_VARIABLE, "")
        how = "%s=%s before the first operation" % (DETERMINISM_VARIABLE, value)
        return "on" if value.lower() in ("1", "true") else "off", how
    # Released without a public name in every version so far.
    from tensorflow.python.framework import config

    return _word(config.is_op_determinism_enabled()), "is_op_determinism_enabled()"


def _eager(run: Run) -> Finding:
    ask = getattr(tf.config, "functions_run_eagerly", None)
    ask = ask or getattr(tf.config, "experimental_functions_run_eagerly", None)
    everywhere = bool(ask()) if ask is not None else False
    in_model = bool(run.model is not None and run.model.run_eagerly)
    how = "tf.config.functions_run_eagerly() %s, model.run_eagerly %s" % (everywhere, in_model)
    return _word(everywhere or in_model), how


def _jit(run: Run) -> Finding:
    if run.model is None:
        return None, "the run ended before the model was built"
    for attribute in ("jit_compile", "_jit_compile"):
        if hasattr(run.model, attribute):
            value = getattr(run.model, attribute)
            return ("auto" if value == "auto" else _word(bool(value))), "model.%s" % attribute
    return "off", "models of this version have no jit_compile"


def _precision(run: Run) -> Finding:
    module = tf.keras.mixed_precision
    if not hasattr(module, "global_policy"):
        module = module.experimental
    name = module.global_policy().name
    if name == "infer":
        # TensorFlow 1: layers take the type of their input, and variables Keras' own.
        return tf.keras.backend.floatx(), "policy infer, tf.keras.backend.floatx()"
    return name, "tf.keras.mixed_precision.global_policy()"


def _tf32(run: Run) -> Finding:
    enabled = tf.config.experimental.tensor_float_32_execution_enabled()
    return _word(enabled), "tf.config.experimental.tensor_float_32_execution_enabled()"


def _device(run: Run) -> Finding:
    places = (
        sorted({place for place in map(_place, run.model.weights) if place}) if run.model else []
    )
    if places:
        return ("gpu" if "gpu" in places else "cpu"), "the weights lie on %s" % ", ".join(places)
    kinds = [device.device_type for device in visibility.get_visible_devices()]
    return ("gpu" if "GPU" in kinds else "cpu"), "visible devices: %s" % ", ".join(kinds)


def _place(weight: Any) -> str:
    """The kind of device that holds a weight, "" where it does not say (graph mode)."""
    variable = weight if hasattr(weight, "device") else getattr(weight, "value", None)
    parts = re.findall(r"device:([A-Z]+):", getattr(variable, "device", None) or "")
    return parts[0].lower() if parts else ""


def _word(value: Any) -> str:
    return "on" if value else "off"


READERS: Dict[str, Callable[[Run], Finding]] = {
    "onednn": _onednn,
    "isa": _isa,
    "contraction_kernel": _contraction_kernel,
    "hash_seed": _hash_seed,
    "cpus": _cpus,
    "env": _env,
    "seed": _seed,
    "seeding": _seeding,
    "threads": _threads,
    "inter_threads": _inter_threads,
    "determinism": _determinism,
    "eager": _eager,
    "jit": _jit,
    "precision": _precision,
    "tf32": _tf32,
    "device": _device,
}
"""Axes not named here are read from what went into training (`Run.used`)."""
