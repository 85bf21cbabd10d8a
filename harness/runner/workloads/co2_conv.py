"""The next weeks of atmospheric CO2 from a window of past weeks, with convolutions over time."""

from __future__ import annotations

from typing import Any, Tuple

from harness.protocol.subject import Subject
from harness.runner import measures

SUBJECT = Subject(
    sentence="The next weeks of atmospheric CO2, forecast by two causal convolutions.",
    data="co2",
    metric="mean_absolute_error_ppm",
    unit="ppm",
    samples=None,
    epochs=5,
    batch_size=32,
)

COMPILE = {
    "optimizer": "adam",
    "loss": "mean_squared_error",
    "metrics": ["mean_absolute_error"],
}

measure = measures.mean_absolute_error


def build(example: Tuple[int, ...], target: Tuple[int, ...]) -> Any:
    """Two causal convolutions, the second with gaps, and a dense layer over all their steps."""
    import tensorflow as tf

    layers = tf.keras.layers
    return tf.keras.Sequential(
        [
            tf.keras.Input(shape=example, name="window"),
            layers.Conv1D(16, 5, padding="causal", activation="relu", name="conv_a"),
            layers.Conv1D(
                16, 5, padding="causal", dilation_rate=4, activation="relu", name="conv_b"
            ),
            layers.Flatten(name="flatten"),
            layers.Dense(target[0], dtype="float32", name="forecast"),
        ],
        name="co2_conv",
    )
