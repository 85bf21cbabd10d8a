"""The next weeks of atmospheric CO2 from a window of past weeks, with an LSTM."""

from __future__ import annotations

from typing import Any, Tuple

import tensorflow as tf

from ..measures import mean_absolute_error
from .definition import Workload


def build(example: Tuple[int, ...], target: Tuple[int, ...]) -> Any:
    """One LSTM of 32 units; one output per week ahead."""
    layers = tf.keras.layers
    return tf.keras.Sequential(
        [
            tf.keras.Input(shape=example, name="window"),
            layers.LSTM(32, name="lstm"),
            layers.Dense(target[0], dtype="float32", name="forecast"),
        ],
        name="co2_lstm",
    )


WORKLOAD = Workload(
    build=build,
    loss="mean_squared_error",
    metrics=("mean_absolute_error",),
    measure=mean_absolute_error,
    samples=None,
    epochs=3,
    batch_size=64,
)
