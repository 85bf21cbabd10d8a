"""Handwritten digits with one hidden layer: the first example of the article."""

from __future__ import annotations

from typing import Any, Tuple

import tensorflow as tf

from harness.runner.measures import accuracy
from harness.runner.workloads.definition import Workload


def build(example: Tuple[int, ...], target: Tuple[int, ...]) -> Any:
    """Flatten, 128 hidden units, 10 classes."""
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


WORKLOAD = Workload(
    build=build,
    loss="sparse_categorical_crossentropy",
    metrics=("accuracy",),
    measure=accuracy,
    samples=12000,
    epochs=1,
    batch_size=32,
)
