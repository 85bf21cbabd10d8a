"""The batches of a fit as the model gets them.

What Keras iterates over passes through one more stage of its pipeline, the last one, which lets
each batch through as it is. While a variable says so, it shows the batch to Python. The stage lies
outside the training step, so what is compiled there is the same with and without it.
"""

from __future__ import annotations

from typing import Any, List, Optional, Tuple

import numpy as np
import tensorflow as tf

from harness.runner import trace
from harness.runner.hashing import tensor_digest


class BatchReader:
    """Reads the batches that pass through the data sets it is put into."""

    def __init__(self) -> None:
        with tf.device("CPU:0"):
            self._wanted = tf.Variable(False, trainable=False)
        self._wants = False
        self._seen: Optional[List[Any]] = None
        self._inputs = 0

    def want(self, wants: bool) -> None:
        """Say whether the next batch is to be read."""
        if wants != self._wants:
            self._wants = wants
            self._wanted.assign(wants)

    def taken(self) -> Tuple[List[Any], List[Any]]:
        """The inputs and targets of the last batch that was read, once; empty where none was."""
        found = self.seen()
        self._seen = None
        return found

    def seen(self) -> Tuple[List[Any], List[Any]]:
        """The same, and it is there still."""
        arrays = self._seen or []
        return arrays[: self._inputs], arrays[self._inputs :]

    def through(self, dataset: Any) -> Any:
        """The data set with a stage that reads; as it is where elements are no plain tensors."""
        spec = dataset.element_spec
        parts = spec if type(spec) is tuple else (spec,)
        leaves = [tf.nest.flatten(part) for part in parts]
        flat = [leaf for part in leaves for leaf in part if leaf is not None]
        if not all(isinstance(leaf, tf.TensorSpec) for leaf in flat) or not parts:
            return dataset
        self._inputs = len([leaf for leaf in leaves[0] if leaf is not None])

        def stage(*elements: Any) -> Any:
            tensors = [each for each in tf.nest.flatten(elements) if each is not None]
            shown = tf.cond(self._wanted.read_value(), lambda: self._show(tensors), _nothing)
            with tf.control_dependencies([shown]):
                passed = tf.nest.map_structure(
                    lambda each: each if each is None else tf.identity(each), elements
                )
            return passed if type(spec) is tuple else passed[0]

        return dataset.map(tf.autograph.experimental.do_not_convert(stage))

    def _show(self, tensors: List[Any]) -> Any:
        return tf.numpy_function(self._see, tensors, tf.bool)

    def _see(self, *arrays: Any) -> Any:
        self._seen = [np.array(each) for each in arrays]
        return np.bool_(True)


def _nothing() -> Any:
    return tf.constant(False)


def digest_of(arrays: List[Any]) -> int:
    """The digest of a batch; whole numbers count by their value, since versions store them as they
    like."""
    plain = [np.asarray(each) for each in arrays]
    plain = [each.astype("<i8") if each.dtype.kind in "iu" else each for each in plain]
    digests = (tensor_digest("%d" % k, each) for k, each in enumerate(plain) if _is_plain(each))
    return trace.digest(digests)


def _is_plain(array: Any) -> bool:
    return bool(array.dtype.kind in "biufc")
