"""What a workload is: a model, how it is fed, and how its predictions are measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional, Tuple

Measure = Callable[[Any, Any, Dict[str, Any]], Tuple[str, float]]
"""(predictions, true values, the data set's description) -> name and value of the metric."""


@dataclass(frozen=True)
class Workload:
    """A reference training. Give every field by name.

    `build` makes the model from the shape of one example and of one target; every layer has a
    name, and the last one computes in float32 so that predictions are float32 in every precision.
    `samples`, `epochs` and `batch_size` are the workload's own values (`samples` None: all rows).
    `feed`, where given, makes a tf.data pipeline from (x, y, batch_size, shuffle); otherwise the
    arrays go to `fit` directly.
    """

    build: Callable[[Tuple[int, ...], Tuple[int, ...]], Any]
    loss: str
    metrics: Tuple[str, ...]
    measure: Measure
    samples: Optional[int]
    epochs: int
    batch_size: int
    feed: Optional[Callable[[Any, Any, int, bool], Any]] = None
