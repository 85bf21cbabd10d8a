"""What versions of TensorFlow name differently."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

visibility: Any = tf.config if hasattr(tf.config, "set_visible_devices") else tf.config.experimental
"""Where this version has `list_physical_devices` and its kin."""


def is_graph_mode() -> bool:
    """Whether this is TensorFlow 1 with its sessions."""
    return hasattr(tf, "Session")


def has_gpu() -> bool:
    """Whether TensorFlow may use a GPU now."""
    return bool(visibility.get_visible_devices("GPU"))
