"""TensorFlow in a script's process: settings applied once it is imported, and read back at the end.

Imported only where TensorFlow is, and never the first to import it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from dataclasses import replace
from typing import Any, Dict

import tensorflow as tf

from harness.protocol import processor
from harness.protocol.axes import BY_NAME
from harness.runner import findings, variables
from harness.runner.backends.tensorflow import axes, driver, stages
from harness.runner.backends.tensorflow.axes import eager, jit, precision
from harness.runner.backends.tensorflow.probing import Onednn
from harness.runner.findings import Finding, Reader
from harness.runner.importing import Imported
from harness.runner.run import Run
from harness.runner.scripts.observing import fits, seeds, tapes
from harness.runner.scripts.observing.calls import Applying
from harness.runner.scripts.observing.notes import Notes
from harness.runner.trace import Trace

_OF_THE_SCRIPT = ("workload", "parameters", "epochs", "batch_size", "samples", "shuffle")
"""Axes that act on a script by its arguments only."""
_OF_REFERENCES = ("initial_weights", "nudge")
"""Axes that never act on a script."""
_OF_THE_STARTER = ("load",)
"""Axes that the process which started this one applies, and reads back."""
_PROBED = ("isa", "contraction_kernel")
_PROCESS = ("threads", "inter_threads", "determinism", "tf32", "scheduling", "onednn")
"""Axes of the stage PROCESS that are applied here; the engine hides the GPUs."""


def began(notes: Notes) -> None:
    """TensorFlow was imported just now: apply what the matrix asks for, and start to watch."""
    run = _run(notes)
    notes.run = run
    notes.trace = Trace()
    with Applying(notes):
        _apply(run, stages.PROCESS)
        if "eager" in run.asked:
            eager.apply(run.asked["eager"], run)
        if "tf" in seeds.wanted(notes):
            tf.random.set_seed(seeds.number(notes))
            notes.seeded.append("tf")
    if any(map(_is_imported, ("keras", "tf_keras"))):
        # TensorFlow imported it itself.
        keras_imported(notes)
    with notes.guarded():
        if notes.settings["observe"]:
            tapes.watch(notes)


def _is_imported(name: str) -> bool:
    """Whether a module is there as a whole; it may be the one that imports TensorFlow."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return spec is not None and not getattr(spec, "_initializing", False)


def _run(notes: Notes) -> Run:
    """A run as the axes know it; `asked` has what the matrix asks for and nothing else."""
    log = _text(str(notes.settings["stderr"]))
    asked = {
        name: value
        for name, value in notes.settings["asked"].items()
        if name not in BY_NAME or value != BY_NAME[name].script_default or name == "scheduling"
    }
    imported = Imported(
        started=time.perf_counter(),
        seconds=None,
        log=log,
        variables=notes.settings["variables_at_start"],
        at_start=variables.at_start(),
        backend=driver,
        probed=driver.probe(log) if _may_probe(asked) else Onednn(None, None),
        threads=None,
    )
    return Run(asked=asked, imported=imported, variables=notes.settings["variables"])


def _may_probe(asked: Dict[str, Any]) -> bool:
    """Whether oneDNN is asked what it uses: in a fork, which needs a process with one thread."""
    return any(name in asked for name in _PROBED) and processor.threads() == 1


def _apply(run: Run, stage: int) -> None:
    for name in _PROCESS:
        axis = getattr(axes, name)
        if name in run.asked and getattr(axis, "STAGE", None) == stage:
            axis.apply(run.asked[name], run)


def keras_imported(notes: Notes) -> None:
    """Keras was imported just now: its precision, and what `compile` gets by default."""
    run = notes.run
    if run is None:
        return
    with Applying(notes):
        if "precision" in run.asked:
            precision.apply(run.asked["precision"], run)
        if "jit" in run.asked and "jit_compile" not in run.compile_arguments:
            run.asked.setdefault("eager", "off")
            jit.apply(run.asked["jit"], run)


def ended(notes: Notes) -> None:
    """The script is over: note the weights of what is still there, and what was in force."""
    run: Run = notes.run
    if notes.is_forked and not (notes.fits or notes.batch_loops or notes.tape_loops):
        # What the parent began may not be usable here.
        return
    with notes.guarded():
        fits.read_again(notes)
        tapes.read_again(notes)
    run.log = _text(str(notes.settings["stderr"]))
    run.imported = _with_log(run)
    asked = notes.settings["asked"]
    run.asked = {name: asked[name] for name in asked if name not in _OF_THE_STARTER}
    run.seeded = list(notes.seeded)
    run.had_begun = False
    readers = {
        **driver.readers(),
        **{name: _left(name) for name in (*_OF_THE_SCRIPT, *_OF_REFERENCES)},
    }
    values, errors = findings.read_back(readers, run)
    notes.found = {"values": _with_calls(values, notes), "errors": errors}
    with contextlib.suppress(Exception):
        notes.found.update(driver.describe())
    if tf.executing_eagerly():
        with contextlib.suppress(Exception):
            notes.found["devices"] = driver.devices()


def _with_log(run: Run) -> Imported:
    return replace(run.imported, log=run.log or "")


def _left(name: str) -> Reader:
    """A reader for an axis that only the arguments carry, or nothing at all."""

    def read(run: Run) -> Finding:
        if name in ("workload", "parameters"):
            return run.asked[name], "what the script was started as"
        return None, "in the script's hands" if name in _OF_THE_SCRIPT else "not for scripts"

    return read


def _with_calls(values: Dict[str, Any], notes: Notes) -> Dict[str, Any]:
    """Op determinism that came after the first operation reads back as on, and was not."""
    late = [call for call in notes.calls if call["effect"] == "late"]
    for call in late:
        how = "set in %s, after TensorFlow had begun" % call["place"]
        values[call["setting"]] = {"value": "late", "how": how}
    return values


def _text(path: str) -> str:
    if not os.path.exists(path):
        return ""
    with open(path, "rb") as file:
        return file.read().decode("utf-8", "replace")
