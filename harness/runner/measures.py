"""Metrics computed exactly from predictions, independent of any library's summation order.

NumPy is imported when it is needed, because the host reads workloads, and with them this module.
"""

from __future__ import annotations

import math
from typing import Any, Dict


def accuracy(predictions: Any, truth: Any, description: Dict[str, Any]) -> float:
    """The fraction of rows whose largest prediction is the right class; ties take the first."""
    import numpy as np

    right = int(np.count_nonzero(np.argmax(predictions, axis=1) == truth))
    return right / len(truth)


def mean_absolute_error(predictions: Any, truth: Any, description: Dict[str, Any]) -> float:
    """The mean absolute error in the data's own unit, summed exactly (`math.fsum`)."""
    import numpy as np

    differences = np.abs(predictions.astype("<f8") - truth.astype("<f8"))
    scale = float.fromhex(description["scale"]["std"])
    return math.fsum(differences.ravel().tolist()) * scale / int(differences.size)
