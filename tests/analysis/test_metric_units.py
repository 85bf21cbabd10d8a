"""Units come from the record; older ones have them at the end of the metric's name."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from harness.analysis.metric_units import UNSCALED, Scale, label, recorded, scale_of, unit_of


@pytest.mark.parametrize(
    ("metric", "unit", "heading"),
    [
        ("mean_absolute_error_ppm", "ppm", "MAE, ppm"),
        ("root_mean_squared_error_ppm", "ppm", "RMSE, ppm"),
        ("mean_absolute_error", None, "mean_absolute_error"),
        ("accuracy", None, "accuracy"),
        ("my_own_metric", None, "my_own_metric"),
    ],
)
def test_a_metric_may_end_with_its_unit(metric: str, unit: str | None, heading: str) -> None:
    assert unit_of(metric) == unit
    assert label(metric) == heading


def test_what_the_record_says_comes_first() -> None:
    measured = SimpleNamespace(metric="error", unit="K", scale=(12.5).hex())
    assert recorded(measured) == ("K", 12.5)
    assert scale_of(*recorded(measured)) == Scale(unit="K", factor=12.5)


def test_without_a_factor_predictions_stay_in_the_unit_of_the_data() -> None:
    measured = SimpleNamespace(metric="mean_absolute_error_ppm")
    assert recorded(measured) == ("ppm", None)
    assert scale_of(*recorded(measured)) == UNSCALED
    assert scale_of("ppm", math.nan) == UNSCALED
