"""What was in force in the process: versions, variables, oneDNN, CPUs."""

from __future__ import annotations

import os
import platform
import sys
from typing import Any, Dict, List, Optional

import numpy as np
import tensorflow as tf

from harness.protocol import processor
from harness.runner import installed, variables
from harness.runner.probing import KERNEL_VARIABLE, ONEDNN_LINE
from harness.runner.run import Finding, Run

ISA_VARIABLE = "ONEDNN_MAX_CPU_ISA"
"""The oneDNN in TensorFlow before 2.8 listens to DNNL_MAX_CPU_ISA only; the host sets both."""
SAYS_NOTHING = "the oneDNN of this version does not say what it uses"

_INSTRUCTION_SETS = {
    "Intel SSE4.1": "sse41",
    "Intel AVX2": "avx2",
    "Intel AVX-512 with AVX512BW, AVX512VL, and AVX512DQ extensions": "avx512_core",
}
"""oneDNN's names for the instruction sets that the axis `isa` can ask for."""


def python(run: Run) -> Finding:
    """The minor version of the interpreter."""
    return "%d.%d" % sys.version_info[
        :2
    ], "platform.python_version() %s" % platform.python_version()


def tensorflow(run: Run) -> Finding:
    """The version that TensorFlow itself has."""
    return _version("tensorflow", str(tf.version.VERSION), tf, "tf.version.VERSION", run)


def numpy(run: Run) -> Finding:
    """The version of the NumPy that was imported."""
    return _version("numpy", str(np.__version__), np, "numpy.__version__", run)


def keras(run: Run) -> Finding:
    """The version of the Keras behind `tf.keras`, and its flavour."""
    package = installed.keras_package()
    how = "the version of %s, behind tf.keras" % tf.keras.__name__
    return _version("keras", installed.keras_version(), package, how, run)


def _version(name: str, version: str, module: Any, how: str, run: Run) -> Finding:
    if installed.is_elsewhere(module):
        return "%s, from elsewhere" % version, "%s, loaded from outside the environment" % how
    asked = str(run.asked.get(name))
    return (asked if installed.are_equal(asked, version) else version), how


def onednn(run: Run) -> Finding:
    """Whether oneDNN's operations replaced TensorFlow's own."""
    if ONEDNN_LINE.search(run.imported.log):
        return "on", "TensorFlow's log: oneDNN custom operations are on"
    if run.imported.variables.get("TF_CPP_MIN_LOG_LEVEL", "0") not in ("0", ""):
        return None, "TF_CPP_MIN_LOG_LEVEL hides TensorFlow's log line"
    return "off", "TensorFlow's log has no line about oneDNN custom operations"


def isa(run: Run) -> Finding:
    """The instruction set oneDNN chose where it was capped, else that it was not."""
    capped, chosen = _seen(ISA_VARIABLE, run), run.imported.onednn.instruction_set
    said = SAYS_NOTHING if chosen is None else "oneDNN's message: isa:%s" % chosen
    if capped is None:
        return "native", "%s is not set; %s" % (ISA_VARIABLE, said)
    how = "%s=%s; %s" % (ISA_VARIABLE, capped, said)
    if chosen is not None:
        return _INSTRUCTION_SETS.get(chosen, chosen), how
    return _isa_unsaid(capped.lower(), how)


def _isa_unsaid(capped: str, how: str) -> Finding:
    flags = processor.cpu_flags()
    if capped not in processor.INSTRUCTION_SETS:
        return capped, how
    if not processor.supports(capped, flags):
        return processor.best_of(flags), "%s, and this CPU lacks it" % how
    return None, how


def contraction_kernel(run: Run) -> Finding:
    """Whether TensorFlow's contraction kernel was called, else what its variable says."""
    value, called = _seen(KERNEL_VARIABLE, run), run.imported.onednn.contracts
    seen = "%s is not set" % KERNEL_VARIABLE if value is None else _pair(KERNEL_VARIABLE, value)
    if called is None:
        word = "default" if value is None else _off_if_false(value)
        return word, "%s; %s" % (seen, SAYS_NOTHING)
    said = "it called oneDNN" if called else "it did not call oneDNN, and does so when turned on"
    return ("on" if called else "off"), "%s; %s" % (seen, said)


def _off_if_false(value: str) -> str:
    return "off" if value.lower() in ("false", "0") else "on"


def hash_seed(run: Run) -> Finding:
    """The seed this interpreter was started with; one set later does nothing."""
    value = run.imported.at_start.get("PYTHONHASHSEED", "")
    randomised = sys.flags.hash_randomization
    how = "PYTHONHASHSEED=%s at the start, sys.flags.hash_randomization=%d" % (value, randomised)
    if value.isdigit():
        return int(value), how
    return "random" if randomised else None, how


def cpus(run: Run) -> Finding:
    """How many CPUs the process may use, and which."""
    names = processor.usable_cpu_numbers()
    how = "os.sched_getaffinity(0)"
    return (None, how) if names is None else (len(names), "%s: %s" % (how, _spans(names)))


def scheduling(run: Run) -> Finding:
    """The kernel's scheduling policy of the thread that trains, and how many threads share it."""
    if not hasattr(os, "sched_getscheduler"):
        return None, "this system has no scheduling policies"
    own, policies = os.sched_getscheduler(0), processor.scheduling_policies()
    how = "os.sched_getscheduler: %d of %d threads" % (policies.count(own), len(policies))
    for word in ("batch", "other", "idle", "fifo", "rr"):
        if own == getattr(os, "SCHED_" + word.upper(), None):
            return word, how
    return str(own), how


def _spans(numbers: List[int]) -> str:
    """0, 1, 2, 5 as `0-2,5`."""
    spans: List[List[int]] = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return ",".join("%d" % a if a == b else "%d-%d" % (a, b) for a, b in spans)


def env(run: Run) -> Finding:
    """The variables asked for, and any other that can change results and that nobody set."""
    asked = run.asked["env"]
    seen = {name: _seen(name, run) for name in asked}
    found = {name: value for name, value in seen.items() if value is not None}
    found.update(_uninvited(run))
    return found, "os.environ before the import, and getenv after the training"


def _uninvited(run: Run) -> Dict[str, str]:
    known = set(run.variables) | variables.OF_THE_ENGINE
    return {
        name: value
        for name, value in sorted(run.imported.variables.items())
        if variables.GOVERNING.fullmatch(name) and name not in known
    }


def _seen(name: str, run: Run) -> Optional[str]:
    """A variable before the import; both values where it has another one by now."""
    before, after = run.imported.variables.get(name), variables.now(name)
    if before == after:
        return before
    return "%s, then %s" % tuple("unset" if each is None else each for each in (before, after))


def _pair(name: str, value: str) -> str:
    return "%s=%s" % (name, value)
