"""In which unit a metric is, and how far one step of the stored predictions goes in it.

Records say both. Older ones name the unit at the end of the metric's name only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

METRICS: Final = {
    "mean_absolute_error": "MAE",
    "mean_squared_error": "MSE",
    "root_mean_squared_error": "RMSE",
}
"""Metrics that may end with a unit, as Keras names them, and their usual abbreviation."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """One step of the stored predictions is `factor` of this `unit`."""

    unit: str
    factor: float


UNSCALED: Final = Scale(unit="prepared units", factor=1.0)
"""Where a record does not say it: differences stay in the unit of the prepared data."""


def unit_of(metric: str) -> str | None:
    """The unit at the end of a metric's name: `ppm` of `mean_absolute_error_ppm`."""
    units = (metric.removeprefix(f"{name}_") for name in METRICS if metric.startswith(f"{name}_"))
    return next(units, None)


def recorded(measured: object) -> tuple[str | None, float | None]:
    """The unit and the factor of predictions that a record's measurements name, if they do.

    Raises:
        ValueError, OverflowError: the factor is no number in hexadecimal.
    """
    unit, factor = getattr(measured, "unit", None), getattr(measured, "scale", None)
    name = unit if isinstance(unit, str) else unit_of(str(getattr(measured, "metric", "")))
    return name, float.fromhex(factor) if isinstance(factor, str) else None


def label(metric: str) -> str:
    """A metric as a column's heading: `MAE, ppm`."""
    unit = unit_of(metric)
    name = metric if unit is None else metric.removesuffix(f"_{unit}")
    return f"{METRICS[name]}, {unit}" if unit and name in METRICS else metric


def scale_of(unit: object, factor: object) -> Scale:
    """The scale that a record names, `UNSCALED` where it does not."""
    if isinstance(unit, str) and isinstance(factor, float) and math.isfinite(factor):
        return Scale(unit=unit, factor=factor)
    return UNSCALED
