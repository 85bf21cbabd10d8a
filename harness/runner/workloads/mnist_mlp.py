"""Handwritten digits with one hidden layer: the first example of the article."""

from __future__ import annotations

from typing import Any, Tuple

from harness.protocol.subject import Subject
from harness.runner import measures

SUBJECT = Subject(
    sentence="Handwritten digits, one hidden layer of 128 units.",
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
