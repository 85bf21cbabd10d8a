"""When an axis is applied. Axes of one stage do not depend on each other's order."""

from __future__ import annotations

PROCESS = 1
"""Before TensorFlow makes its devices and threads."""
MODEL = 2
"""Afterwards, before the model is built: modes of Keras, arguments of `compile` and `fit`."""
SEED = 3
"""Once the data are loaded, just before the model is built."""
