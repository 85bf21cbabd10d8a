"""Reading back what really was in force, axis by axis, and comparing it with what was asked.

One function per axis, each returning the value in the form a matrix has it and where the answer
comes from. None means: cannot be read back in this version. That is never taken as a confirmation.
"""

from __future__ import annotations

import random
from typing import Any, Callable, Dict, List, Tuple

import numpy as np
import tensorflow as tf

from harness.protocol.axes import OPEN_VALUES
from harness.runner import found_process, found_training
from harness.runner.reply import one_line
from harness.runner.run import Finding, Run
from harness.runner.settings import GENERATORS

_TENSORFLOW_SEEDS = 2**31 - 1


def found(run: Run) -> Dict[str, Dict[str, Any]]:
    """Everything asked for, as `{"value": …, "how": …}`."""
    findings = {}
    for axis in run.asked:
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
    variables = run.imported.variables
    asked = run.asked["onednn"] == "on" and variables.get("TF_ENABLE_ONEDNN_OPTS") == "1"
    return asked and found_process.onednn(run)[0] == "off"


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


READERS: Dict[str, Callable[[Run], Finding]] = {
    "python": found_process.python,
    "tensorflow": found_process.tensorflow,
    "numpy": found_process.numpy,
    "keras": found_process.keras,
    "onednn": found_process.onednn,
    "isa": found_process.isa,
    "contraction_kernel": found_process.contraction_kernel,
    "hash_seed": found_process.hash_seed,
    "cpus": found_process.cpus,
    "env": found_process.env,
    "scheduling": found_process.scheduling,
    "seed": found_training.seed,
    "seeding": found_training.seeding,
    "threads": found_training.threads,
    "inter_threads": found_training.inter_threads,
    "determinism": found_training.determinism,
    "eager": found_training.eager,
    "jit": found_training.jit,
    "precision": found_training.precision,
    "tf32": found_training.tf32,
    "shuffle": found_training.shuffle,
    "batch_size": found_training.batch_size,
    "device": found_training.device,
}
"""Axes not named here (workload, epochs, samples) are read from what was trained (`Run.used`)."""
