"""CO2: gaps, scaling and windows, against answers worked out by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

from harness.datasets import co2


def fractions(*values: str | None) -> list[Fraction | None]:
    return [None if value is None else Fraction(value) for value in values]


def test_a_gap_lies_on_the_straight_line_between_its_neighbours() -> None:
    filled = co2.interpolated(fractions("316.1", None, None, "317.6", "317.5", None, "317.9"))
    assert filled == fractions("316.1", "316.6", "317.1", "317.6", "317.5", "317.7", "317.9")


@pytest.mark.parametrize("values", [(None, "1"), ("1", None), (), (None,)])
def test_a_gap_at_an_end_is_refused(values: tuple[str | None, ...]) -> None:
    with pytest.raises(ValueError, match="neighbour"):
        co2.interpolated(fractions(*values))


def test_mean_and_deviation_are_those_of_the_population() -> None:
    values = [Fraction(value) for value in (2, 4, 4, 4, 5, 5, 7, 9)]
    assert co2.mean_and_deviation(values) == (5.0, 2.0)


def test_training_targets_end_before_the_boundary_and_test_targets_start_there() -> None:
    weeks, boundary = 300, 200
    train, test = co2.window_starts(weeks, boundary)
    last_training_target = train[-1] + co2.WINDOW + co2.HORIZON - 1
    assert last_training_target == boundary - 1
    assert test[0] + co2.WINDOW == boundary
    assert test[-1] + co2.WINDOW + co2.HORIZON == weeks
    assert train[0] == 0


def test_either_line_end_is_the_same_file() -> None:
    lines = b"date,co2\n19580329,316.1\n"
    assert co2.from_csv({"co2.csv": lines.replace(b"\n", b"\r\n")}) == {"co2.csv": lines}
