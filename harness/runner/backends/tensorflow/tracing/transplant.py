"""A step from somebody else's state: weights, slots and batch that another run had before it."""

from __future__ import annotations

from typing import Any, Dict, List

import tensorflow as tf

from harness.runner.backends.tensorflow.state import named_weights, set_weights
from harness.runner.backends.tensorflow.tracing.model_state import slots_of
from harness.runner.backends.tensorflow.tracing.whole_step import named_slots, slot_variables
from harness.runner.refusals import Unsupported
from harness.runner.trace import STATE_STEP


def take_over(model: Any, state: Dict[str, Any]) -> Any:
    """Give the model this state; returns the data set with the one batch.

    `state` has arrays as `whole_step` names them, and `STATE_STEP`.

    Raises:
        Unsupported: the model has other weights, or its optimizer keeps other slots.
    """
    names = [name for name, _ in named_weights(model)]
    before = {name[len("before/") :]: each for name, each in state.items() if _is("before", name)}
    if set(names) != set(before):
        raise Unsupported("transplant: the model has other weights")
    set_weights(model, [(name, before[name]) for name in names])
    _set_slots(model, state)
    model.optimizer.iterations.assign(int(state[STATE_STEP]) - 1)
    inputs, targets = (_of("batch/%s/" % part, state) for part in ("inputs", "targets"))
    if len(inputs) != 1 or len(targets) != 1:
        raise Unsupported("transplant: a batch that is not one array and its targets")
    return tf.data.Dataset.from_tensors((inputs[0], targets[0]))


def _set_slots(model: Any, state: Dict[str, Any]) -> None:
    optimizer = model.optimizer
    create = getattr(optimizer, "_create_all_weights", None) or optimizer.build
    create(model.trainable_variables)
    given = {name: each for name, each in state.items() if _is("slots before", name)}
    named = ["slots before/%s" % name for name, _ in named_slots(model)]
    # Before its first step an optimizer of older versions has none, and they begin with zeros.
    if given and set(named) != set(given):
        raise Unsupported("transplant: the optimizer keeps other slots")
    for name, variable in zip(named, slot_variables(slots_of(optimizer))):
        if name in given:
            variable.assign(given[name])


def _is(where: str, name: str) -> bool:
    return name.startswith(where + "/")


def _of(prefix: str, state: Dict[str, Any]) -> List[Any]:
    return [each for name, each in state.items() if name.startswith(prefix)]
