"""The next weeks of atmospheric CO2 from a window of past weeks, with an LSTM."""

from __future__ import annotations

from typing import Any, Tuple

from harness.protocol.subject import Subject
from harness.runner import measures

SUBJECT = Subject(
    sentence="The next weeks of atmospheric CO2, forecast by an LSTM of 32 units.",
    data="co2",
    metric="mean_absolute_error_ppm",
    unit="ppm",
    samples=None,
    epochs=3,
    batch_size=64,
)

COMPILE = {
    "optimizer": "adam",
    "loss": "mean_squared_error",
    "metrics": ["mean_absolute_error"],
}

measure = measures.mean_absolute_error


def build(example: Tuple[int, ...], target: Tuple[int, ...]) -> Any:
    """An LSTM of 32 units that forecasts, per week, the change from the last week of the window.

    Levels of later years never occur in training, changes do.
    """
    import tensorflow as tf

    layers = tf.keras.layers
    window = tf.keras.Input(shape=example, name="window")
    last = layers.Cropping1D((example[0] - 1, 0), dtype="float32", name="last_week")(window)
    last = layers.Flatten(dtype="float32", name="last_level")(last)
    change = layers.LSTM(32, name="lstm")(window)
    change = layers.Dense(target[0], dtype="float32", name="change")(change)
    forecast = layers.Add(dtype="float32", name="forecast")([change, last])
    return tf.keras.Model(window, forecast, name="co2_lstm")
