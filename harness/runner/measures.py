"""Metrics computed exactly from predictions, independent of any library's summation order."""

from __future__ import annotations

import math
from typing import Any, Dict, Tuple

import numpy as np


def accuracy(predictions: Any, truth: Any, description: Dict[str, Any]) -> Tuple[str, float]:
    """The fraction of rows whose largest prediction is the right class; ties take the first."""
    right = int(np.count_nonzero(np.argmax(predictions, axis=1) == truth))
    return "accuracy", right / len(truth)


def mean_absolute_error(
    predictions: Any, truth: Any, description: Dict[str, Any]
) -> Tuple[str, float]:
    """The mean absolute error in the data's own unit, summed exactly (`math.fsum`)."""
    differences = np.abs(predictions.astype("<f8") - truth.astype("<f8"))
    scale = float.fromhex(description["scale"]["std"])
    value = math.fsum(differences.ravel().tolist()) * scale / differences.size
    return "mean_absolute_error_%s" % description["unit"], value
