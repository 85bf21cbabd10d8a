"""Handwritten digits, each shifted at random by a parallel tf.data map.

The map's threads share one random generator, and which image gets which number depends on their
timing: without op determinism the weights differ from run to run, with every seed set. Op
determinism (TensorFlow 2.8 and later) makes such a map sequential.
"""

from __future__ import annotations

from typing import Any, Tuple

from harness.protocol.subject import Subject
from harness.runner import measures

SUBJECT = Subject(
    sentence="Handwritten digits, shifted at random by a parallel map; one hidden layer.",
    data="mnist",
    metric="accuracy",
    unit="",
    samples=12000,
    epochs=1,
    batch_size=32,
)

COMPILE = {
    "optimizer": "adam",
    "loss": "sparse_categorical_crossentropy",
    "metrics": ["accuracy"],
}

LARGEST_SHIFT = 2
PARALLEL_CALLS = 8

measure = measures.accuracy


def build(example: Tuple[int, ...], target: Tuple[int, ...]) -> Any:
    """Flatten, 128 hidden units, 10 classes."""
    import tensorflow as tf

    layers = tf.keras.layers
    return tf.keras.Sequential(
        [
            tf.keras.Input(shape=example, name="image"),
            layers.Flatten(name="flatten"),
            layers.Dense(128, activation="relu", name="hidden"),
            layers.Dense(10, activation="softmax", dtype="float32", name="digit"),
        ],
        name="mnist_mlp",
    )


def feed(examples: Any, batch_size: int) -> Any:
    """The pipeline: shift in parallel, batch."""
    return examples.map(shifted, num_parallel_calls=PARALLEL_CALLS).batch(batch_size)


def shifted(image: Any, label: Any) -> Tuple[Any, Any]:
    """The image moved by up to two pixels each way, filled with zeros. The global seed rules."""
    import tensorflow as tf

    margin = [[LARGEST_SHIFT, LARGEST_SHIFT], [LARGEST_SHIFT, LARGEST_SHIFT]]
    corner = tf.random.uniform([2], 0, 2 * LARGEST_SHIFT + 1, dtype=tf.int32)
    moved = tf.slice(tf.pad(image, margin), corner, image.shape)
    return tf.ensure_shape(moved, image.shape), label
