"""The rows of a loop that is no fit of Keras: of `train_on_batch`, or around a gradient."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Iterable, List, Tuple

import numpy as np
import tensorflow as tf

from harness.runner.backends.tensorflow.tracing import batches, model_state, random_numbers
from harness.runner.hashing import tensor_digest
from harness.runner.trace import Schedule, Trace, digest

Parts = Dict[str, int]


class LoopTrace:
    """Adds the rows of one loop to a trace; `read` gives all parts but the batch.

    `model` and `fit` are the numbers of the loop's rows: a model may be fitted before.
    """

    def __init__(self, trace: Trace, model: int, fit: int, read: Callable[[], Parts]) -> None:
        self._trace = trace
        self._place = (model, fit)
        self._read = read
        self._schedule = Schedule()
        self._step = 0
        self._last_row = -1

    def add_first(self) -> None:
        """Add the row of the state before the first step."""
        self._add(())

    def step_done(self, arguments: Any = ()) -> None:
        """A step is done; the tensors in its arguments are its batch, the last one the targets."""
        self._step += 1
        if self._schedule.wants(self._step):
            self._add(arguments)

    def ended(self) -> None:
        """The loop is over; its last step has a row."""
        if self._last_row != self._step:
            self._add(())

    def _add(self, arguments: Any) -> None:
        began = time.perf_counter()
        parts = self._read()
        arrays = _arrays_in(arguments)
        inputs = arrays[:-1] or arrays
        parts["inputs"] = batches.digest_of(inputs)
        parts["targets"] = batches.digest_of(arrays[len(inputs) :])
        self._trace.add((*self._place, 0, self._step), parts)
        self._last_row = self._step
        self._schedule.spent(time.perf_counter() - began)


def _arrays_in(arguments: Any) -> List[Any]:
    return [
        np.asarray(each)
        for each in tf.nest.flatten(arguments)
        if isinstance(each, (tf.Tensor, np.ndarray)) and hasattr(each, "dtype")
    ]


def of_variables(trained: Iterable[Tuple[str, Any]], others: Iterable[Any]) -> Parts:
    """The parts that named trained variables and others, as arrays, make up."""
    return {
        "trained": digest(tensor_digest(name, array) for name, array in trained),
        "slots": model_state.of_set(others),
    }


def of_model(model: Any) -> Callable[[], Parts]:
    """What reads the parts that a model of Keras makes up."""
    random = random_numbers.RandomNumbers(model)
    return lambda: {**model_state.of_model(model), "random": random.digest([])}
