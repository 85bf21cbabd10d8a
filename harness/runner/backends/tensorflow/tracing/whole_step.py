"""One step of a fit, recorded whole and in causal order.

What is computed within the step is fetched as further results of the compiled function: the output
of each layer, the loss, each gradient. Whether that left the step's bits alone is for the host to
check, by the trace of a run in which nothing was fetched.

The names of the arrays, in order:

    batch/inputs/N, batch/targets/N
    before/WEIGHT, slots before/KIND/WEIGHT
    output/LAYER
    loss
    gradient/WEIGHT
    slots after/KIND/WEIGHT, after/WEIGHT

A second array of a name gets `#2`. Of slots, KIND is `m` or `v` in every version of Keras that
calls them so, or momentum and velocity.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any, Dict, Iterator, List, Optional, Tuple

import numpy as np
import tensorflow as tf

from harness.runner.backends.tensorflow.state import (
    layer_name,
    named_variables,
    variables_by_name,
)
from harness.runner.backends.tensorflow.tracing.model_state import slots_of, values
from harness.runner.weights import Named

_KEY = "~step %06d"
"""Among what a step returns; it sorts behind the names of metrics, so that nothing else moves."""

_KINDS = {"m": "m", "momentum": "m", "v": "v", "velocity": "v", "rms": "v"}

_local = threading.local()


class WholeStep:
    """Collects the arrays of one step of a model's fit."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._fetched: List[Tuple[str, Any]] = []
        self._names: List[str] = []
        self._is_begun = False
        self.arrays: Named = []
        model.train_step = self._fetching(model.train_step)

    def before(self) -> None:
        """The step begins: note the variables as they are, once there are some."""
        weights = [] if self._is_begun else _weights(self._model)
        if not weights:
            return
        self._is_begun = True
        self._add("before", weights)
        self._add("slots before", named_slots(self._model))

    def take(self, logs: Any) -> Optional[List[Any]]:
        """Take what was fetched out of what a step returned; None where nothing was."""
        if not isinstance(logs, dict) or not any(_is_ours(name) for name in logs):
            return None
        return [logs.pop(name) for name in sorted(filter(_is_ours, list(logs)))]

    def after(self, inputs: List[Any], targets: List[Any], fetched: Optional[List[Any]]) -> None:
        """The step is done: note its batch, what was fetched, and the variables as they are."""
        batch: Named = []
        for name, arrays in (("inputs", inputs), ("targets", targets)):
            batch += [("batch/%s/%d" % (name, k), each) for k, each in enumerate(arrays)]
        self.arrays[:0] = batch
        for name, tensor in zip(self._names, fetched or []):
            self.arrays.append((name, np.asarray(tensor)))
        self._add("slots after", named_slots(self._model))
        self._add("after", _weights(self._model))

    def _add(self, where: str, named: Named) -> None:
        self.arrays += [("%s/%s" % (where, name), array) for name, array in named]

    def _fetching(self, train_step: Any) -> Any:
        def step(data: Any) -> Any:
            self._fetched = []
            with _collecting(self):
                logs = train_step(data)
            self._names = _unique([name for name, _ in self._fetched])
            if isinstance(logs, dict):
                for place, (_, tensor) in enumerate(self._fetched):
                    logs = {**logs, _KEY % place: tf.convert_to_tensor(tensor)}
            return logs

        return step

    def add_output(self, layer: Any, outputs: Any) -> None:
        """A layer was called: if it is one of the model's own, fetch what it returned."""
        if any(each is layer for each in self._model.layers):
            for each in tf.nest.flatten(outputs):
                if isinstance(each, tf.Tensor):
                    self._fetched.append(("output/%s" % layer_name(layer), each))

    def add_gradients(self, loss: Any, gradients: Any) -> None:
        """The gradient was taken: fetch it, and what it was taken of."""
        self._fetched += [("loss", each) for each in tf.nest.flatten(loss)]
        flat = tf.nest.flatten(gradients)
        trained = [name for name, each in variables_by_name(self._model) if each.trainable]
        names = trained if len(trained) == len(flat) else None
        for place, each in enumerate(flat):
            name = names[place] if names else "%d" % place
            if each is not None:
                self._fetched.append(("gradient/%s" % name, each))


def _is_ours(name: Any) -> bool:
    return isinstance(name, str) and name.startswith(_KEY.split(maxsplit=1)[0])


@contextlib.contextmanager
def _collecting(step: WholeStep) -> Iterator[None]:
    _local.step = step
    try:
        yield
    finally:
        _local.step = None


def collecting() -> Optional[WholeStep]:
    """The step that this thread is within, None where it is in none."""
    return getattr(_local, "step", None)


def layer_classes(model: Any) -> List[Any]:
    """The classes whose `__call__` the layers of a model have."""
    classes = [
        next(each for each in type(layer).__mro__ if "__call__" in vars(each))
        for layer in model.layers
    ]
    return list(dict.fromkeys(classes))


def _weights(model: Any) -> Named:
    return [(name, array) for name, array, _ in named_variables(model)]


def named_slots(model: Any) -> Named:
    """What the optimizer keeps per variable, under names that versions have in common."""
    trained = [name for name, _, is_trained in named_variables(model) if is_trained]
    slots = slot_variables(slots_of(model.optimizer))
    kinds = [_kind_of(each) for each in slots]
    names: List[str] = []
    for place, kind in enumerate(kinds):
        among = kinds[:place].count(kind)
        name = trained[among] if kinds.count(kind) == len(trained) else "%d" % among
        names.append("%s/%s" % (kind, name))
    return list(zip(names, values(slots)))


def slot_variables(variables: List[Any]) -> List[Any]:
    """Those of an optimizer's variables that it keeps per variable, by kind, in order."""
    return sorted((each for each in variables if len(each.shape)), key=_kind_of)


def _kind_of(variable: Any) -> str:
    """`m` of `Adam/kernel/m`, `Adam/m/kernel`, `m/kernel` and `adam/kernel_momentum`."""
    parts = str(getattr(variable, "path", variable.name)).split(":")[0].split("/")
    candidates = (parts[-1], *parts[1:2], parts[0], parts[-1].rpartition("_")[2])
    return next((_KINDS[each] for each in candidates if each in _KINDS), candidates[-1])


def _unique(names: List[str]) -> List[str]:
    counts: Dict[str, int] = {}
    unique = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        unique.append(name if counts[name] == 1 else "%s#%d" % (name, counts[name]))
    return unique
