"""The examples of a training as a `tf.data` pipeline, in the order that the axis `shuffle` asks."""

from __future__ import annotations

import hashlib
import math
from typing import Any, List

import tensorflow as tf

from harness.runner import shared_random
from harness.runner.data import Data
from harness.runner.run import Run


def needed(run: Run) -> bool:
    """Whether the training is fed a pipeline, and no arrays."""
    return hasattr(run.workload, "feed") or run.orders is not None


def make(run: Run, data: Data, batch_size: int, shuffle: bool) -> Any:
    """The batches for `fit`, made by the workload's own pipeline where it has one."""
    feed = getattr(run.workload, "feed", _batches)
    if run.orders is None:
        examples = tf.data.Dataset.from_tensor_slices((data.train_x, data.train_y))
        return feed(examples.shuffle(len(data.train_x)) if shuffle else examples, batch_size)
    examples = _in_shared_order(data, run.asked["seed"], run.orders)
    steps = math.ceil(len(data.train_x) / batch_size)
    # Keras is to know the number of steps as it does with arrays.
    return feed(examples, batch_size).apply(tf.data.experimental.assert_cardinality(steps))


def _batches(examples: Any, batch_size: int) -> Any:
    return examples.batch(batch_size)


def _in_shared_order(data: Data, seed: int, taken: List[str]) -> Any:
    """The examples in the order of the next epoch, each time that they are gone through.

    The digest of each order that is taken is added to `taken`.
    """

    def next_order() -> Any:
        order = shared_random.permutation(seed, len(taken), len(data.train_x))
        taken.append(digest(order))
        return order

    def ordered(_: Any) -> Any:
        order = tf.ensure_shape(tf.numpy_function(next_order, [], tf.int64), [len(data.train_x)])
        rows = (tf.gather(x, order), tf.gather(y, order))
        return tf.data.Dataset.from_tensor_slices(rows)

    with tf.device("/cpu:0"):
        x, y = tf.constant(data.train_x), tf.constant(data.train_y)
    return tf.data.Dataset.range(1).flat_map(ordered)


def digest(order: Any) -> str:
    """The digest of an order, little-endian int64."""
    return hashlib.sha256(order.astype("<i8").tobytes()).hexdigest()
