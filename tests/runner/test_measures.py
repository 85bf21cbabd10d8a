"""Metrics are computed exactly from predictions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from harness.runner.measures import accuracy, mean_absolute_error

DESCRIPTION = {"scale": {"mean": (330.0).hex(), "std": (8.0).hex()}, "unit": "ppm"}


def test_accuracy_counts_rows_whose_largest_prediction_is_right() -> None:
    predictions = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]], dtype="f4")
    truth = np.array([1, 0, 0], dtype="i4")
    assert accuracy(predictions, truth, {}) == 2 / 3


def test_a_tie_takes_the_first_class() -> None:
    predictions = np.array([[0.5, 0.5]], dtype="f4")
    assert accuracy(predictions, np.array([0]), {}) == 1.0
    assert accuracy(predictions, np.array([1]), {}) == 0.0


def test_the_error_is_in_the_data_sets_own_unit() -> None:
    predictions = np.array([[0.5, 1.0], [0.0, 0.0]], dtype="f4")
    truth = np.array([[0.0, 1.0], [0.0, -1.0]], dtype="f4")
    assert mean_absolute_error(predictions, truth, DESCRIPTION) == 8.0 * 1.5 / 4


def test_the_error_is_summed_without_rounding_on_the_way() -> None:
    random = np.random.RandomState(1)
    predictions = random.randn(500, 4).astype("f4") * np.float32(1e6)
    truth = random.randn(500, 4).astype("f4")
    differences = np.abs(predictions.astype("f8") - truth.astype("f8")).ravel()
    exact = sum((Fraction(float(each)) for each in differences), Fraction(0))
    value = mean_absolute_error(predictions, truth, DESCRIPTION)
    assert value == float(exact) * 8.0 / differences.size
    reordered = mean_absolute_error(predictions[::-1], truth[::-1], DESCRIPTION)
    assert reordered == value
