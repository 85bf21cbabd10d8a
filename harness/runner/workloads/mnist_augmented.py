"""Handwritten digits, each shifted at random by a parallel tf.data map.

The map's threads share one random generator, and which image gets which number depends on their
timing: without op determinism the weights differ from run to run, with every seed set. Op
determinism (TensorFlow 2.8 and later) makes such a map sequential.
"""

from __future__ import annotations

from typing import Any, Tuple

import tensorflow as tf

from harness.runner.measures import accuracy
from harness.runner.workloads.definition import Workload
from harness.runner.workloads.mnist_mlp import build

LARGEST_SHIFT = 2
PARALLEL_CALLS = 8


def shifted(image: Any, label: Any) -> Tuple[Any, Any]:
    """The image moved by up to two pixels each way, filled with zeros. The global seed rules."""
    margin = [[LARGEST_SHIFT, LARGEST_SHIFT], [LARGEST_SHIFT, LARGEST_SHIFT]]
    corner = tf.random.uniform([2], 0, 2 * LARGEST_SHIFT + 1, dtype=tf.int32)
    moved = tf.slice(tf.pad(image, margin), corner, image.shape)
    return tf.ensure_shape(moved, image.shape), label


def feed(x: Any, y: Any, batch_size: int, shuffle: bool) -> Any:
    """The pipeline: shuffle where asked, shift in parallel, batch."""
    examples = tf.data.Dataset.from_tensor_slices((x, y))
    if shuffle:
        examples = examples.shuffle(len(x))
    return examples.map(shifted, num_parallel_calls=PARALLEL_CALLS).batch(batch_size)


WORKLOAD = Workload(
    build=build,
    feed=feed,
    loss="sparse_categorical_crossentropy",
    metrics=("accuracy",),
    measure=accuracy,
    samples=12000,
    epochs=1,
    batch_size=32,
)
