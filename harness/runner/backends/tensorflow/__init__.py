"""TensorFlow and its Keras as a backend. Importing this package alone imports neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.runner.backends import Backend


def import_framework() -> Backend:
    """Import TensorFlow, Keras and what drives them."""
    import tensorflow as tf

    # Keras 3 is loaded lazily, at the first use of this attribute.
    tf.keras.layers  # noqa: B018
    from harness.runner.backends.tensorflow import driver

    return driver
