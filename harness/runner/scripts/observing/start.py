"""The start of observing, before the script's first line."""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Callable, Dict, Iterable, List

from harness.runner.scripts.observing import (
    calls,
    data_files,
    endings,
    import_hooks,
    isolation,
    network,
    seeds,
)
from harness.runner.scripts.observing.import_hooks import Hook
from harness.runner.scripts.observing.notes import Notes

_FITS = (
    "tensorflow.python.keras.engine.training",
    "keras.engine.training",
    "keras.src.engine.training",
    "tf_keras.src.engine.training",
)
"""Where Keras 2 has the class `Model` that trains."""

_TRAINERS = {
    "keras.src.backend.tensorflow.trainer": "TensorFlowTrainer",
    "keras.src.trainers.trainer": "Trainer",
}
"""Where Keras 3 has the classes behind it: the one that trains, and the one that compiles."""

_KERAS = ("keras", "tf_keras")


def observe(place: str, root: str) -> None:
    """Observe this process; `place` is the file with its settings, `root` holds our package."""
    with open(place, encoding="utf-8") as file:
        settings: Dict[str, Any] = json.load(file)
    notes = Notes(settings)
    notes.settings["variables_at_start"] = dict(os.environ)
    import_hooks.install(_hooks(notes))
    calls.watch_module(notes, sys.modules.get("random") or __import__("random"))
    calls.watch_variables(notes)
    seeds.seed_python(notes)
    if settings["observe"]:
        network.watch(notes)
        endings.watch(notes)
    isolation.hide(root)


def _hooks(notes: Notes) -> Dict[str, List[Hook]]:
    hooks: Dict[str, List[Hook]] = {}

    def watch(names: Iterable[str], function: Callable[[Notes, Any], None]) -> None:
        for name in names:
            hooks.setdefault(name, []).append(lambda module: _guarded(notes, function, module))

    watch(calls.MODULES, calls.watch_module)
    # What applies a setting may fail: then the run does not have what was asked for.
    hooks.setdefault("numpy", []).append(lambda module: seeds.seed_numpy(notes))
    hooks.setdefault("tensorflow", []).append(lambda module: _with_tensorflow(notes, "began"))
    watch(_FITS, _watch_model)
    watch(_TRAINERS, _watch_trainer)
    watch(data_files.MODULES, data_files.accept)
    if notes.settings["observe"]:
        watch(["multiprocessing.pool"], endings.watch_pool)
    for name in _KERAS:
        hooks.setdefault(name, []).append(lambda module: _with_tensorflow(notes, "keras_imported"))
    return hooks


def _guarded(notes: Notes, function: Callable[[Notes, Any], None], module: Any) -> None:
    with notes.guarded():
        function(notes, module)


def _with_tensorflow(notes: Notes, function: str) -> None:
    if "tensorflow" in sys.modules:
        with isolation.visible():
            from harness.runner.scripts.observing import framework

            getattr(framework, function)(notes)


def _watch_trainer(notes: Notes, module: Any) -> None:
    with isolation.visible():
        from harness.runner.scripts.observing import fits

        trainer = getattr(module, _TRAINERS[module.__name__])
        if trainer.__name__ == "Trainer":
            fits.watch_compile(notes, trainer)
        else:
            fits.watch(notes, trainer)


def _watch_model(notes: Notes, module: Any) -> None:
    with isolation.visible():
        from harness.runner.scripts.observing import fits

        fits.watch(notes, module.Model)
