"""Two recordings of a step: the first part that differs, in the order in which a step is made."""

from __future__ import annotations

import numpy as np
import pytest

from harness.results.blobs import Arrays
from harness.studies import step_difference

NAMES = (
    "batch/inputs/0",
    "batch/targets/0",
    "before/a/kernel",
    "before/b/kernel",
    "output/a",
    "output/b",
    "loss",
    "gradient/a/kernel",
    "gradient/b/kernel",
    "slots after/m/a/kernel",
    "after/a/kernel",
    "after/b/kernel",
)


def step() -> Arrays:
    random = np.random.RandomState(0)
    return {name: random.rand(3, 2).astype("<f4") for name in NAMES}


def changed(*parts: str) -> Arrays:
    """The step with the last bit of one element turned over in these parts."""
    arrays = step()
    for name in parts:
        bits = arrays[name].copy().view("<u4")
        bits[1, 1] ^= 1
        arrays[name] = bits.view("<f4")
    return arrays


def test_a_step_against_itself_is_equal_in_all_parts() -> None:
    parts = step_difference.compare(step(), step())
    assert [part.name for part in parts if not part.is_equal] == []
    assert step_difference.first_difference(parts) is None
    assert len(parts) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_one_bit_turned_over_is_found_in_its_part(name: str) -> None:
    first = step_difference.first_difference(step_difference.compare(step(), changed(name)))
    assert first is not None
    assert (first.name, first.differing, first.max_ulp) == (name, 1, 1)
    assert first.is_input == name.startswith(("batch", "before"))


def test_gradients_are_taken_from_the_last_layer_back() -> None:
    both = changed("gradient/a/kernel", "gradient/b/kernel", "after/a/kernel")
    first = step_difference.first_difference(step_difference.compare(step(), both))
    assert first is not None
    assert first.name == "gradient/b/kernel"


def test_slots_that_are_not_there_yet_are_zeros() -> None:
    one, other = step(), step()
    other["slots before/m/a/kernel"] = np.zeros((3, 2), "<f4")
    assert step_difference.first_difference(step_difference.compare(one, other)) is None
    other["slots before/m/a/kernel"] = np.ones((3, 2), "<f4")
    first = step_difference.first_difference(step_difference.compare(one, other))
    assert first is not None
    assert first.name == "slots before/m/a/kernel"


def test_what_only_one_side_has_tells_nothing() -> None:
    other = step()
    del other["output/a"]
    parts = step_difference.compare(step(), other)
    assert [(part.name, part.only_in) for part in parts if part.only_in] == [("output/a", "A")]
    assert step_difference.first_difference(parts) is None


def test_another_shape_is_a_difference_without_a_size() -> None:
    other = {**step(), "batch/inputs/0": np.zeros((4, 2), "<f4")}
    first = step_difference.first_difference(step_difference.compare(step(), other))
    assert first is not None
    assert (first.name, first.differing, first.max_abs) == ("batch/inputs/0", None, None)


def test_the_table_has_a_row_per_part() -> None:
    frame = step_difference.frame(step_difference.compare(step(), changed("loss")))
    assert frame["part"].tolist()[:2] == ["batch/inputs/0", "batch/targets/0"]
    assert frame.loc[~frame["equal"], "part"].tolist() == ["loss"]
