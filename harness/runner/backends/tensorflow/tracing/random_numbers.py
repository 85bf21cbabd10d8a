"""What the random numbers of a training step come from.

A graph's operations keep their seeds as attributes; how far each of their streams is cannot be
read, but follows from the steps done. Keras 3 keeps states in variables. Where functions run
eagerly the context of TensorFlow draws the seeds.
"""

from __future__ import annotations

import hashlib
from typing import Any, Dict, List, Tuple

import tensorflow as tf
from tensorflow.python.eager import context

from harness.runner import trace
from harness.runner.backends.tensorflow.tracing.model_state import values
from harness.runner.hashing import tensor_digest

_SEEDS = ("seed", "seed2")
_are_random: Dict[str, bool] = {}
"""By type of operation: whether it draws random numbers and says its seeds."""

Seeds = List[Tuple[str, int, int]]
"""Type and seeds of each random operation, in order."""


def seeds_of(graph: Any) -> Seeds:
    """The random operations of a graph under construction."""
    return [
        (each.type, *(int(each.get_attr(name)) for name in _SEEDS))
        for each in graph.get_operations()
        if _is_random(each)
    ]


def _is_random(operation: Any) -> bool:
    kind = operation.type
    if kind not in _are_random:
        named = {each.name for each in operation.op_def.attr} if operation.op_def else set()
        _are_random[kind] = named.issuperset(_SEEDS)
    return _are_random[kind]


def states_of(model: Any) -> List[Any]:
    """The variables in which a model of Keras 3 keeps the states of its generators."""
    if not getattr(model, "built", True):
        # Keras 2 refuses to say what variables a model without its layers' weights has.
        return []
    return [
        each
        for each in getattr(model, "variables", ())
        if "seed_generator_state" in str(getattr(each, "name", ""))
    ]


class RandomNumbers:
    """What the random numbers of a model's training come from, from now on.

    A state in which nothing has moved since then feeds nothing, and does not count: Keras gives
    layers generators that they never use, and not in every version.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._unmoved = _digests(model)

    def digest(self, seeds: Seeds) -> int:
        """The digest of all of it, as a trace has it."""
        states = _digests(self._model)
        self._unmoved = {
            key: value for key, value in self._unmoved.items() if states.get(key) == value
        }
        digests = [value for key, value in states.items() if key not in self._unmoved]
        if seeds:
            digests.append(hashlib.sha256(repr(seeds).encode("ascii")).hexdigest())
        if not seeds and tf.config.functions_run_eagerly():
            digests.append(hashlib.sha256(repr(_eager_state()).encode("ascii")).hexdigest())
        return trace.digest(digests)


def _digests(model: Any) -> Dict[int, str]:
    states = states_of(model)
    return {id(each): tensor_digest("", value) for each, value in zip(states, values(states))}


def _eager_state() -> Any:
    generator = getattr(context.context(), "_rng", None)
    return generator.getstate() if generator is not None else None
