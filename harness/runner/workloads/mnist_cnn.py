"""Handwritten digits with two convolutions, pooling and dropout."""

from __future__ import annotations

from typing import Any, Tuple

from harness.protocol.subject import Subject
from harness.runner import measures

SUBJECT = Subject(
    sentence="Handwritten digits, two convolutions with pooling, then dropout.",
    data="mnist",
    metric="accuracy",
    unit="",
    samples=12000,
    epochs=1,
    batch_size=64,
)

COMPILE = {
    "optimizer": "adam",
    "loss": "sparse_categorical_crossentropy",
    "metrics": ["accuracy"],
}

measure = measures.accuracy


def build(example: Tuple[int, ...], target: Tuple[int, ...]) -> Any:
    """Two convolutions of 16 and 32 filters, each pooled, then dropout and 10 classes."""
    import tensorflow as tf

    layers = tf.keras.layers
    return tf.keras.Sequential(
        [
            tf.keras.Input(shape=example, name="image"),
            layers.Reshape((*example, 1), name="channel"),
            layers.Conv2D(16, 3, activation="relu", name="conv_a"),
            layers.MaxPooling2D(2, name="pool_a"),
            layers.Conv2D(32, 3, activation="relu", name="conv_b"),
            layers.MaxPooling2D(2, name="pool_b"),
            layers.Flatten(name="flatten"),
            layers.Dropout(0.5, name="dropout"),
            layers.Dense(10, activation="softmax", dtype="float32", name="digit"),
        ],
        name="mnist_cnn",
    )
