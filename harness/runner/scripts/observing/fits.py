"""Keras' own training loops: each outermost `fit` is noted, with the weights before and after it.

A model is noted when it first trains. Its weights are copied at the end of each fit, since it may
be gone when the script ends; one that is still there is read again then.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import threading
import time
import weakref
from typing import Any, Callable, Dict, Iterator, List

import numpy as np

from harness.runner.backends.tensorflow.state import named_weights
from harness.runner.backends.tensorflow.tracing import fit_trace, loop_trace
from harness.runner.backends.tensorflow.tracing.fit_trace import FitTrace
from harness.runner.backends.tensorflow.tracing.loop_trace import LoopTrace
from harness.runner.hashing import (
    combined_digest,
    dtype_name,
    is_hashable,
    little_endian,
    tensor_digest,
)
from harness.runner.scripts.observing import calls, watching
from harness.runner.scripts.observing.notes import Notes
from harness.runner.weights import Named

_OUTPUTS = ("predict", "evaluate", "predict_on_batch", "test_on_batch")

_CALLBACKS = (
    "tensorflow.python.keras.callbacks",
    "keras.callbacks",
    "keras.src.callbacks",
    "keras.src.callbacks.callback_list",
    "tf_keras.src.callbacks",
)
"""Where versions of Keras have the class that is told of each step."""

_nested = threading.local()
running = [0]
"""How many fits are under way, in all threads: tapes within them are theirs."""


def watch(notes: Notes, model_class: Any) -> None:
    """Let a class of models note what its instances train and return."""
    watch_compile(notes, model_class)
    if not notes.settings["observe"]:
        return
    _replace(model_class, "fit", lambda function: _fitting(notes, function))
    _replace(model_class, "train_on_batch", lambda function: _stepping(notes, function))
    for name in _OUTPUTS:
        _replace(model_class, name, functools.partial(_returning, notes, name))


def watch_compile(notes: Notes, model_class: Any) -> None:
    """Let a class of models get what the matrix asks of `compile`.

    It is the class that defines it: Keras asks a model whether its `compile` is that one.
    """
    _replace(model_class, "compile", lambda function: _compiling(notes, function))


def _replace(owner: Any, name: str, wrapped: Callable[[Any], Any]) -> None:
    if name in vars(owner):
        function = vars(owner)[name]
        setattr(owner, name, functools.wraps(function)(wrapped(function)))


def _compiling(notes: Notes, function: Any) -> Any:
    """`compile` with the arguments that the matrix asks for, where the script gives no others."""

    def compile_model(model: Any, *arguments: Any, **named: Any) -> Any:
        calls.compiled(notes, named)
        for name, value in (notes.run.compile_arguments if notes.run else {}).items():
            named.setdefault(name, value)
        return function(model, *arguments, **named)

    return compile_model


class _Outermost:
    """Within the `with` block, further calls of Keras are its own."""

    def __enter__(self) -> None:
        _nested.depth = getattr(_nested, "depth", 0) + 1
        running[0] += 1

    def __exit__(self, *_: Any) -> None:
        _nested.depth -= 1
        running[0] -= 1


def _is_nested() -> bool:
    return bool(getattr(_nested, "depth", 0))


def _fitting(notes: Notes, function: Any) -> Any:
    def fit(model: Any, *arguments: Any, **named: Any) -> Any:
        if _is_nested() or notes.unobserved:
            return function(model, *arguments, **named)
        with _Outermost():
            begun = None
            with notes.guarded():
                begun = _Begun(notes, model)
            if begun is None:
                return function(model, *arguments, **named)
            if begun.watch is not None:
                bound = dict(inspect.signature(function).bind(model, *arguments, **named).arguments)
                own = {name: each for name, each in bound.items() if name != "self"}
                watching.carry_out(notes, begun.watch, function, model, own, _callbacks_classes())
            try:
                with _tracing(notes, model, begun.number):
                    result = function(model, *arguments, **named)
            except BaseException:
                begun.broke_off()
                raise
            begun.ended(result)
        return result

    return fit


class _Begun:
    """A fit that is about to begin: the model's weights before it, and what is asked of it."""

    def __init__(self, notes: Notes, model: Any) -> None:
        self._notes, self._model = notes, model
        self._started = time.perf_counter()
        self.number = _number_of(notes, model)
        self._before = _digests(model)
        _nested.unbuilt = None if self._before else (model, self._before)
        self.watch = watching.asked(notes, self.number, _next_fit(notes, self.number))
        self._earlier = getattr(model, "history", None)

    def ended(self, result: Any) -> None:
        """Note what the fit left; `result` is what it returned."""
        with self._notes.guarded():
            seconds = time.perf_counter() - self._started
            _note_fit(self._notes, self._model, self.number, self._before, result, seconds)

    def broke_off(self) -> None:
        """Note what it left: it may have trained, and the script may catch its error."""
        with contextlib.suppress(Exception):
            if _digests(self._model) != self._before:
                history = getattr(self._model, "history", None)
                self.ended(history if history is not self._earlier else None)


@contextlib.contextmanager
def _tracing(notes: Notes, model: Any, number: int) -> Iterator[None]:
    """Within the `with` block the steps of the model's fit are added to the trace."""
    with contextlib.ExitStack() as stack:
        with notes.guarded():
            if notes.settings["trace"]:
                fit = FitTrace(notes.trace, model, number, _next_fit(notes, number))
                fit.guarded = notes.guarded
                stack.enter_context(fit_trace.tracing(fit, _callbacks_classes()))
        yield


def _callbacks_classes() -> List[Any]:
    classes = (getattr(sys.modules.get(name), "CallbackList", None) for name in _CALLBACKS)
    return [each for each in classes if each is not None]


def _next_fit(notes: Notes, number: int) -> int:
    return 1 + len([each for each in notes.fits if each["model"] == number])


def is_unbuilt() -> bool:
    """Whether the model that this thread trains had no weights when that began."""
    unbuilt = getattr(_nested, "unbuilt", None)
    return unbuilt is not None and not unbuilt[1]


def note_first_weights() -> None:
    """The model that this thread trains was built meanwhile, and has not made a step yet."""
    model, before = _nested.unbuilt
    if not _have_values(model):
        return
    before.update(_digests(model))
    fit = fit_trace.current()
    if fit is not None:
        fit.add_first()


def _have_values(model: Any) -> bool:
    """Whether the variables have values: those that a compiled step makes get them once the whole
    of it was traced, and read as empty arrays until then."""
    return all(np.shape(each.numpy()) == tuple(each.shape) for each in model.weights)


def _stepping(notes: Notes, function: Any) -> Any:
    def train_on_batch(model: Any, *arguments: Any, **named: Any) -> Any:
        if _is_nested() or notes.unobserved:
            return function(model, *arguments, **named)
        with _Outermost():
            loop = None
            with notes.guarded():
                number = _number_of(notes, model)
                loop = notes.batch_loops.get(number) or _begin_loop(notes, model, number)
                _nested.unbuilt = None if loop["before"] else (model, loop["before"])
            result = function(model, *arguments, **named)
            with notes.guarded():
                if loop is not None:
                    _step_done(loop, (arguments, list(named.values())), result)
        return result

    return train_on_batch


def _step_done(loop: Dict[str, Any], arguments: Any, result: Any) -> None:
    loop["entry"]["steps"] += 1
    if loop["trace"] is not None:
        loop["trace"].step_done(arguments)
    _add_losses(loop["entry"]["history"], result)


def _returning(notes: Notes, name: str, function: Any) -> Any:
    def call(model: Any, *arguments: Any, **named: Any) -> Any:
        if _is_nested():
            fit = fit_trace.current()
            with contextlib.nullcontext() if fit is None else fit.paused():
                return function(model, *arguments, **named)
        with _Outermost():
            result = function(model, *arguments, **named)
        with notes.guarded():
            notes.add_output(name, _digest_of_result(result))
        return result

    return call


def _number_of(notes: Notes, model: Any) -> int:
    reference, number = notes.numbered.get(id(model), (lambda: None, 0))
    if reference() is model:
        return int(number)
    number = next_number(notes)
    notes.numbered[id(model)] = (weakref.ref(model), number)
    return number


def next_number(notes: Notes) -> int:
    """The number of a model that trains for the first time."""
    notes.models += 1
    return notes.models


def weights_of(model: Any) -> Named:
    """The weights of a model in order, under unique names; none where it is not built yet."""
    try:
        variables = list(model.weights)
    except ValueError:
        return []
    try:
        named = named_weights(model)
    except (AttributeError, ValueError):
        named = []
    if len(named) == len(variables):
        return named
    # Weights of its own, or layers that are no direct ones.
    arrays = [np.asarray(each.numpy()) for each in variables]
    last = [str(each.name).split("/")[-1].split(":")[0] for each in variables]
    return [("%03d/%s" % (place, name), arrays[place]) for place, name in enumerate(last)]


def _digests(model: Any) -> Dict[str, str]:
    return {name: tensor_digest(name, array) for name, array in weights_of(model)}


def _note_fit(
    notes: Notes, model: Any, number: int, before: Dict[str, str], result: Any, seconds: float
) -> None:
    history = {
        str(name): [float(value).hex() for value in values]
        for name, values in getattr(result, "history", {}).items()
        if _are_numbers(values)
    }
    steps = (getattr(result, "params", None) or {}).get("steps") or 0
    fit = _next_fit(notes, number)
    entry = {
        "model": number,
        "fit": fit,
        "name": str(getattr(model, "name", "")),
        "steps": int(steps) * max(map(len, history.values()), default=0),
        "history": history,
        "seconds": seconds,
    }
    if "loss" in history:
        notes.loss = history["loss"][-1]
    notes.fits.append(entry)
    keep(notes, number, before, weights_of(model), entry)
    notes.write()


def _are_numbers(values: Any) -> bool:
    try:
        return all(isinstance(float(value), float) for value in values)
    except (TypeError, ValueError):
        return False


def keep(
    notes: Notes, number: int, before: Dict[str, str], named: Named, entry: Dict[str, Any]
) -> None:
    """Keep a copy of a model's weights, and their digests in the entry of its fit."""
    after = [tensor_digest(name, array) for name, array in named]
    if before:
        entry["init_sha256"] = combined_digest(before.get(name, "") for name, _ in named)
    else:
        entry.setdefault("init_sha256", "")
    entry["weights_sha256"] = combined_digest(after)
    known = notes.arrays.get(number)
    first = {each["name"]: each["init_sha256"] for each in known["tensors"]} if known else before
    notes.arrays[number] = {
        # NumPy's files do not know types that it has from elsewhere, such as bfloat16.
        "arrays": [little_endian(array) for _, array in named],
        "tensors": [
            {
                "name": name,
                "shape": list(array.shape),
                "dtype": dtype_name(array),
                "init_sha256": first.get(name, ""),
                "sha256": digest,
            }
            for (name, array), digest in zip(named, after)
        ],
    }


def _begin_loop(notes: Notes, model: Any, number: int) -> Dict[str, Any]:
    fit = _next_fit(notes, number)
    entry = {
        "model": number,
        "fit": fit,
        "name": str(getattr(model, "name", "")),
        "steps": 0,
        "history": {},
        "seconds": 0.0,
        "init_sha256": "",
        "weights_sha256": "",
    }
    notes.fits.append(entry)
    loop: Dict[str, Any] = {"entry": entry, "model": model, "before": _digests(model)}
    loop["trace"] = None
    if notes.settings["trace"]:
        loop["trace"] = LoopTrace(notes.trace, number, fit, loop_trace.of_model(model))
        if loop["before"]:
            loop["trace"].add_first()
    notes.batch_loops[number] = loop
    return loop


def _add_losses(history: Dict[str, List[str]], result: Any) -> None:
    values = result if isinstance(result, (list, tuple, dict)) else [result]
    pairs = values.items() if isinstance(values, dict) else enumerate(values)
    for name, value in pairs:
        label = name if isinstance(name, str) else "metric %d" % name if name else "loss"
        history.setdefault(label, []).append(float(value).hex())


def read_again(notes: Notes) -> None:
    """Read the models that are still there, and those that were trained batch by batch."""
    for number, loop in notes.batch_loops.items():
        if loop["trace"] is not None:
            loop["trace"].ended()
        keep(notes, number, loop["before"], weights_of(loop["model"]), loop["entry"])
        notes.loss = loop["entry"]["history"].get("loss", [notes.loss])[-1]
    for reference, number in list(notes.numbered.values()):
        model = reference()
        if model is not None and number not in notes.batch_loops and number in notes.arrays:
            last = [each for each in notes.fits if each["model"] == number][-1]
            keep(notes, number, {}, weights_of(model), dict(last))


def _digest_of_result(result: Any) -> str:
    return combined_digest(
        tensor_digest(name, array) for name, array in sorted(_flat("result", result).items())
    )


def _flat(name: str, value: Any) -> Dict[str, Any]:
    if isinstance(value, dict):
        parts = [_flat("%s/%s" % (name, key), each) for key, each in value.items()]
    elif isinstance(value, (list, tuple)):
        parts = [_flat("%s/%d" % (name, place), each) for place, each in enumerate(value)]
    else:
        array = np.asarray(value)
        return {name: array} if is_hashable(array) else {}
    return {key: each for part in parts for key, each in part.items()}
