"""The batches of a fit as the model gets them.

What Keras iterates over passes through one more stage of its pipeline, the last one, which lets
each batch through as it is and shows some to Python. The stage lies outside the training step, so
what is compiled there is the same with and without it.

TensorFlow may fetch batches ahead of the step that takes them, so each is known by its number, and
which ones are shown is decided before they are fetched.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Tuple

import numpy as np
import tensorflow as tf

from harness.runner import trace
from harness.runner.hashing import is_hashable, tensor_digest

Batch = Tuple[List[Any], List[Any]]
"""The arrays of its inputs, and of its targets."""


class BatchReader:
    """Reads the batches of these steps, and of the first step of what is iterated over."""

    def __init__(self, steps: Iterable[int]) -> None:
        with tf.device("CPU:0"):
            self._wanted = tf.Variable(False, trainable=False)
        self._wants = False
        self.steps = frozenset(steps)
        self._seen: Dict[int, Batch] = {}

    def want(self, wants: bool) -> None:
        """Say whether the batch that is fetched next is to be read, whatever its step is."""
        if wants != self._wants:
            self._wants = wants
            self._wanted.assign(wants)

    def of(self, step: int) -> Batch:
        """The batch of a step, empty where it was not read; earlier ones are forgotten."""
        self._seen = {number: each for number, each in self._seen.items() if number >= step}
        return self._seen.get(step, ([], []))

    def through(self, dataset: Any, done: int) -> Any:
        """The data set with a stage that reads; as it is where elements are no plain tensors.

        Its first batch is that of the step after the `done` ones.
        """
        spec = dataset.element_spec
        parts = spec if type(spec) is tuple else (spec,)
        leaves = [[each for each in tf.nest.flatten(part) if each is not None] for part in parts]
        if not parts or not all(
            isinstance(each, tf.TensorSpec) for part in leaves for each in part
        ):
            return dataset
        inputs = len(leaves[0])
        steps = np.array(sorted(self.steps), "<i8")

        def stage(place: Any, element: Any) -> Any:
            step = place + 1 + done
            tensors = [each for each in tf.nest.flatten(element) if each is not None]
            wanted = tf.reduce_any(tf.equal(steps, step)) | tf.equal(place, 0)
            shown = tf.cond(
                wanted | self._wanted.read_value(),
                lambda: tf.numpy_function(see, [step, *tensors], tf.bool),
                lambda: tf.constant(False),
            )
            with tf.control_dependencies([shown]):
                return tf.nest.map_structure(
                    lambda each: each if each is None else tf.identity(each), element
                )

        def see(step: Any, *arrays: Any) -> Any:
            read = [np.array(each) for each in arrays]
            self._seen[int(step)] = (read[:inputs], read[inputs:])
            return np.bool_(True)

        return dataset.enumerate().map(tf.autograph.experimental.do_not_convert(stage))


def digest_of(arrays: List[Any]) -> int:
    """The digest of a batch; whole numbers count by their value, since versions store them as they
    like."""
    plain = [np.asarray(each) for each in arrays]
    plain = [each.astype("<i8") if each.dtype.kind in "iu" else each for each in plain]
    digests = (tensor_digest("%d" % k, each) for k, each in enumerate(plain) if is_hashable(each))
    return trace.digest(digests)
