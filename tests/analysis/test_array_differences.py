"""Sizes of differences, against answers worked out by hand or by another library."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.analysis.array_differences import of_predictions, of_weights, ulp_distance
from harness.analysis.metric_units import UNSCALED, Scale


def f4(*values: float) -> np.ndarray:
    return np.array(values, dtype="<f4")


def one(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> Any:
    (tensor,) = of_weights({"w": first}, {"w": second}).tensors
    return tensor


def test_equal_weights_have_no_difference() -> None:
    found = of_weights({"a": f4(1, 2), "b": f4(3)}, {"a": f4(1, 2), "b": f4(3)})
    assert (found.max_abs, found.max_ulp, found.relative_l2) == (0.0, 0, 0.0)
    assert (found.differing, found.elements, found.matched_by) == (0, 3, "name")


def test_sizes_of_a_known_difference() -> None:
    # (3, 4) has norm 5; the difference (0, 1/2) has norm 1/2. From 4 to 4.5 are 2^20 floats.
    found = of_weights({"w": f4(3, 4)}, {"w": f4(3, 4.5)})
    assert found.max_abs == 0.5
    assert found.max_ulp == 1 << 20
    assert found.relative_l2 == pytest.approx(0.1, rel=1e-15)
    assert (found.differing, found.elements) == (1, 2)


def test_relative_size_is_over_all_tensors_together() -> None:
    # (3) and (4) together have norm 5; the differences 3 and 4 together as well.
    found = of_weights({"a": f4(3), "b": f4(4)}, {"a": f4(6), "b": f4(8)})
    assert found.relative_l2 == pytest.approx(1.0, rel=1e-15)
    assert [tensor.relative_l2 for tensor in found.tensors] == [1.0, 1.0]


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8"])
def test_the_next_float_is_one_step_away(dtype: str) -> None:
    values = np.array([0.0, -0.0, 1.0, -1.0, 6e-8, 65000.0], dtype=dtype)
    after = np.nextafter(values, np.array(np.inf, dtype=dtype))
    assert ulp_distance(values, after).tolist() == [1] * len(values)
    assert ulp_distance(after, values).tolist() == [1] * len(values)


FLOATS = st.floats(width=32, min_value=0.0, allow_infinity=False)


@settings(max_examples=50)
@given(FLOATS, FLOATS)
def test_steps_are_those_numpy_counts(first: float, second: float) -> None:
    a, b = f4(first), f4(second)
    steps = np.testing.assert_array_max_ulp(a, b, maxulp=2**33)
    # NumPy gives the number in the dtype of the arrays.
    assert ulp_distance(a, b).astype("f4").tolist() == np.ravel(steps).tolist()
    # NumPy's own count overflows across zero; the way there leads through zero.
    through_zero = ulp_distance(a, f4(0)) + ulp_distance(f4(0), b)
    assert ulp_distance(a, -b).tolist() == through_zero.tolist()


def test_zero_and_minus_zero_are_other_bits_and_no_step() -> None:
    tensor = one(f4(0.0), f4(-0.0))
    assert (tensor.differing, tensor.max_ulp, tensor.max_abs, tensor.sign_changes) == (1, 0, 0.0, 0)


def test_a_change_of_sign_is_counted_beside_its_many_steps() -> None:
    tiny = np.nextafter(f4(0), f4(1))
    tensor = one(tiny, -tiny)
    assert (tensor.sign_changes, tensor.max_ulp) == (1, 2)


def test_steps_in_float64_that_no_number_holds_are_the_largest() -> None:
    far = ulp_distance(np.array([-1.7e308]), np.array([1.7e308]))
    assert far.tolist() == [np.iinfo(np.int64).max]


def test_nan_and_infinity_are_counted_and_not_sized() -> None:
    first = f4(1, math.nan, math.inf, math.nan, math.inf)
    second = f4(2, 1, 1, math.nan, math.inf)
    tensor = one(first, second)
    assert (tensor.not_finite, tensor.differing, tensor.max_abs) == (2, 3, 1.0)
    assert tensor.relative_l2 == 1.0


def test_numbers_whose_squares_overflow_still_have_a_norm() -> None:
    tensor = one(np.array([3e200, 4e200]), np.array([3e200, 4.5e200]))
    assert tensor.relative_l2 == pytest.approx(0.1, rel=1e-14)


def test_weights_that_were_zero_differ_infinitely() -> None:
    assert one(f4(0, 0), f4(0, 1)).relative_l2 == math.inf


def test_another_dtype_has_sizes_and_no_steps() -> None:
    tensor = one(f4(1, 2), np.array([1, 2.5], dtype="<f2"))
    assert (tensor.max_ulp, tensor.max_abs, tensor.differing) == (None, 0.5, 1)
    assert (tensor.dtype, tensor.other_dtype) == ("<f4", "<f2")


def test_whole_numbers_have_sizes_and_no_steps() -> None:
    tensor = one(np.array([[1, 5]]), np.array([[1, 2]]))
    assert (tensor.max_ulp, tensor.max_abs, tensor.shape) == (None, 3.0, (1, 2))


def test_a_single_number_and_an_empty_tensor_are_tensors() -> None:
    assert one(np.array(2.0), np.array(3.0)).max_abs == 1.0
    empty = one(np.zeros((0, 3)), np.zeros((0, 3)))
    assert (empty.elements, empty.max_abs, empty.max_ulp) == (0, 0.0, 0)


def test_complex_numbers_are_compared_part_by_part() -> None:
    tensor = one(np.array([1 + 2j]), np.array([1 - 2j]))
    assert (tensor.max_abs, tensor.sign_changes, tensor.shape) == (4.0, 1, (1,))


def test_renamed_tensors_find_their_partners_by_order_and_shape() -> None:
    first = {"dense/kernel": np.zeros((2, 3)), "dense/bias": np.zeros(3), "out/bias": np.ones(3)}
    second = {"d/kernel": np.ones((2, 3)), "d/bias": np.zeros(3), "o/bias": np.ones(3)}
    found = of_weights(first, second)
    names = [(tensor.name, tensor.other_name) for tensor in found.tensors]
    assert names == [("dense/kernel", "d/kernel"), ("dense/bias", "d/bias"), ("out/bias", "o/bias")]
    assert found.matched_by == "order"
    assert found.max_abs == 1.0


def test_tensors_of_other_shapes_are_named_and_not_sized() -> None:
    found = of_weights(
        {"gru/bias": np.zeros((2, 3)), "out": np.zeros(1)}, {"gru/bias": np.zeros(6), "out": f4(1)}
    )
    told = [(tensor.name, tensor.shape, tensor.only_in) for tensor in found.unmatched]
    assert told == [("gru/bias", (2, 3), "first"), ("gru/bias", (6,), "second")]
    assert (found.elements, found.matched_by) == (1, "name")


def test_one_tensor_more_of_a_shape_is_not_guessed_at() -> None:
    found = of_weights({"a": f4(1), "b": f4(2)}, {"c": f4(1)})
    assert not found.tensors
    assert [tensor.name for tensor in found.unmatched] == ["a", "b", "c"]
    assert found.matched_by == ""


def test_churn_is_the_share_of_rows_whose_class_differs() -> None:
    first = f4(0.9, 0.1, 0.2, 0.8, 0.5, 0.5, 0.3, 0.7).reshape(4, 2)
    second = f4(0.6, 0.4, 0.7, 0.3, 0.5, 0.5, 0.2, 0.8).reshape(4, 2)
    found = of_predictions(first, second, classes=True, scale=UNSCALED)
    assert found is not None
    assert (found.changed, found.churn, found.rows, found.largest) == (1, 0.25, 4, None)


def test_a_single_probability_decides_at_one_half() -> None:
    found = of_predictions(
        f4(0.4, 0.6)[:, None], f4(0.6, 0.7)[:, None], classes=True, scale=UNSCALED
    )
    assert found is not None and found.churn == 0.5


def test_forecasts_differ_in_the_unit_of_the_series() -> None:
    scale = Scale(unit="ppm", factor=12.0)
    found = of_predictions(
        f4(0, 1).reshape(1, 2), f4(0.25, 1).reshape(1, 2), classes=False, scale=scale
    )
    assert found is not None
    assert (found.largest, found.unit, found.churn) == (3.0, "ppm", None)


def test_predictions_of_other_shapes_are_not_compared() -> None:
    assert of_predictions(f4(0), f4(0, 1), classes=False, scale=UNSCALED) is None


def test_predictions_that_became_nan_are_counted() -> None:
    found = of_predictions(f4(0, 1), f4(math.nan, 1), classes=False, scale=UNSCALED)
    assert found is not None
    assert (found.not_finite, found.largest) == (1, 0.0)
