"""When an axis is applied. Axes of one stage do not depend on each other's order."""

from __future__ import annotations

PROCESS = 1
"""Before TensorFlow makes its devices and threads."""
MODEL = 2
"""Afterwards, before the model is built: modes of Keras, arguments of `compile` and `fit`."""
SEED = 3
"""Once the data are loaded, just before the model is built."""
WEIGHTS = 4
"""Once the model is built: its weights as a whole."""
START = 5
"""Just before it is trained. What is to stop with the training has a function `end`, too."""
