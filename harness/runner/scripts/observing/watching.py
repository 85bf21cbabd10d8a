"""A fit of the script that ends with a step that was asked for, and the script with it.

Only in the script's own process: those that it starts may train models of the same numbers.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Callable, Dict, Iterable, NoReturn, Optional

import numpy as np

from harness.protocol import exchange
from harness.runner.backends.tensorflow.tracing import fit_trace, transplant
from harness.runner.backends.tensorflow.tracing.fit_trace import FitTrace, StepSeen
from harness.runner.hashing import write_arrays
from harness.runner.refusals import Unsupported
from harness.runner.scripts.observing.notes import Notes
from harness.runner.trace import Trace, Watch


def asked(notes: Notes, model: int, fit: int) -> Optional[Watch]:
    """What is asked of this fit of this model, None if nothing is."""
    settings = notes.settings
    if settings["watch"] is None or os.getppid() != settings["starter"]:
        return None
    watch = Watch(**settings["watch"])
    return watch if (watch.model, watch.fit) == (model, fit) else None


def carry_out(
    notes: Notes,
    watch: Watch,
    fit: Callable[..., Any],
    model: Any,
    named: Dict[str, Any],
    callbacks_classes: Iterable[Any],
) -> NoReturn:
    """Let `fit` train the model up to the last step that is watched, and end the process.

    With a state, the one step that is made from it takes the place of the fit.

    Raises:
        Unsupported: the fit is over before that step, or the model cannot take the state over.
    """
    if notes.settings["state"]:
        named = {"x": _transplanted(model, notes.settings["state"]), "epochs": 1, "verbose": 0}
    # An earlier fit may have compiled the step; what is to be seen of it is fetched by a new one.
    model.train_function = None
    trace = Trace()
    traced = FitTrace(trace, model, watch=watch)
    try:
        with fit_trace.tracing(traced, callbacks_classes):
            fit(model, **named)
    except StepSeen as seen:
        _leave(str(notes.settings["observed"]), trace, seen)
        sys.stdout.flush()
        # Whatever would catch an exception, nothing of the script goes on from here.
        os._exit(0)
    raise Unsupported("the fit is over before the step that is asked for")


def _transplanted(model: Any, path: str) -> Any:
    with np.load(path, allow_pickle=False) as file:
        state = {name: file[name] for name in file.files}
    if not model.built and "batch/inputs/0" in state:
        model.build((None, *state["batch/inputs/0"].shape[1:]))
    return transplant.take_over(model, state)


def _leave(folder: str, trace: Trace, seen: StepSeen) -> None:
    if seen.arrays:
        names, values = zip(*seen.arrays)
        write_arrays(os.path.join(folder, exchange.STEP), names, values)
    sha256 = trace.write(folder)
    with open(os.path.join(folder, exchange.WATCHED), "w", encoding="utf-8") as file:
        json.dump({"trace_sha256": sha256}, file)
