"""The next weeks of atmospheric CO2 from a window of past weeks, with an LSTM."""

from __future__ import annotations

from typing import Any, Tuple

import tensorflow as tf

from harness.runner.measures import mean_absolute_error
from harness.runner.workloads.definition import Workload


def build(example: Tuple[int, ...], target: Tuple[int, ...]) -> Any:
    """An LSTM of 32 units that forecasts, per week ahead, the change from the last week known.

    Levels of later years never occur in training, changes do.
    """
    layers = tf.keras.layers
    window = tf.keras.Input(shape=example, name="window")
    last = layers.Cropping1D((example[0] - 1, 0), dtype="float32", name="last_week")(window)
    last = layers.Flatten(dtype="float32", name="last_level")(last)
    change = layers.LSTM(32, name="lstm")(window)
    change = layers.Dense(target[0], dtype="float32", name="change")(change)
    forecast = layers.Add(dtype="float32", name="forecast")([change, last])
    return tf.keras.Model(window, forecast, name="co2_lstm")


WORKLOAD = Workload(
    build=build,
    loss="mean_squared_error",
    metrics=("mean_absolute_error",),
    measure=mean_absolute_error,
    samples=None,
    epochs=3,
    batch_size=64,
)
