"""Weekly CO2 at Mauna Loa, 1958 to 2001: windows of a year, and the four weeks after each.

All arithmetic is in exact fractions and rounded once, so that the numbers depend on no library's
order of summation and no CPU's instructions.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.datasets.preprocessed import Built

CSV = "co2.csv"
SHA256: Final[Mapping[str, str]] = {
    CSV: "16695fa2786e53414e5a6b54767a3fdf5de99cfbc68617f69d1362d92776a92f"
}
"""With line feeds; the same file is also around with carriage returns."""
SHA256_WITH_CARRIAGE_RETURNS: Final = (
    "5609f801a0a529c85f601e7002f470efb5d7f5549fcb6d3920e62cfb60159525"
)

WINDOW = 52
HORIZON = 4
TRAINING_UNTIL = datetime.date(1991, 12, 28)


def from_csv(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The file with line feeds, whichever line ends it has."""
    return {name: data.replace(b"\r\n", b"\n") for name, data in files.items()}


def build(originals: Mapping[str, bytes]) -> Built:
    """Inputs float32 (n, 52, 1), targets float32 (n, 4), both standardised."""
    dates, measured = _rows(originals[CSV])
    weeks = interpolated(measured)
    boundary = sum(date <= TRAINING_UNTIL for date in dates)
    mean, std = mean_and_deviation(weeks[:boundary])
    series = _standardised(weeks, mean, std)
    train, test = window_starts(len(weeks), boundary)
    return Built(
        arrays={
            "train_x": _inputs(series, train),
            "train_y": _targets(series, train),
            "test_x": _inputs(series, test),
            "test_y": _targets(series, test),
        },
        steps=(
            "A week without a value gets the one on the straight line between its neighbours.",
            "Values are standardised by mean and population standard deviation of the weeks of the "
            "training period: exact fractions, rounded once to float64 and once to float32.",
            "A row is a window of 52 weeks and the 4 weeks after it; windows start every week.",
            "Training rows have all targets in the training period, test rows have all targets "
            "after it; rows with targets on both sides are left out. The inputs of the first test "
            "rows reach back into the training period, as those of a forecast would.",
        ),
        parameters={
            "window_weeks": WINDOW,
            "horizon_weeks": HORIZON,
            "training_until": TRAINING_UNTIL.isoformat(),
        },
        unit="ppm",
        mean=mean.hex(),
        std=std.hex(),
    )


def _rows(csv: bytes) -> tuple[list[datetime.date], list[Fraction | None]]:
    dates, values = [], []
    for line in csv.decode("ascii").splitlines()[1:]:
        day, value = line.split(",")
        dates.append(datetime.date(int(day[:4]), int(day[4:6]), int(day[6:])))
        values.append(Fraction(value) if value else None)
    return dates, values


def interpolated(values: Sequence[Fraction | None]) -> list[Fraction]:
    """The values with every gap filled by the straight line between its neighbours, exactly.

    Raises:
        ValueError: the first or the last value is missing.
    """
    given = [place for place, value in enumerate(values) if value is not None]
    if not given or given[0] != 0 or given[-1] != len(values) - 1:
        raise ValueError("a gap at an end has only one neighbour")
    filled = [Fraction(0)] * len(values)
    for left, right in zip(given, [*given[1:], given[-1]], strict=True):
        start, end = values[left], values[right]
        assert start is not None and end is not None
        filled[left] = start
        for place in range(left + 1, right):
            filled[place] = start + (end - start) * (place - left) / (right - left)
    return filled


def mean_and_deviation(values: Sequence[Fraction]) -> tuple[float, float]:
    """Mean and population standard deviation, computed exactly and rounded to float64 at the end.

    The square root is that of the rounded variance; IEEE 754 says how a square root is rounded.
    """
    mean = sum(values, Fraction(0)) / len(values)
    variance = sum(((value - mean) ** 2 for value in values), Fraction(0)) / len(values)
    return float(mean), math.sqrt(float(variance))


def _standardised(values: Sequence[Fraction], mean: float, std: float) -> NDArray[Any]:
    exact_mean, exact_std = Fraction(mean), Fraction(std)
    rounded = [float((value - exact_mean) / exact_std) for value in values]
    return np.array(rounded, dtype="<f8").astype("<f4")


def window_starts(weeks: int, boundary: int) -> tuple[range, range]:
    """First weeks of the training and the test rows; `boundary` is the first week after training.

    A row that starts in week s has its targets in the weeks s + 52 to s + 55.
    """
    row = WINDOW + HORIZON
    return range(boundary - row + 1), range(boundary - WINDOW, weeks - row + 1)


def _inputs(series: NDArray[Any], starts: range) -> NDArray[Any]:
    return np.stack([series[start : start + WINDOW] for start in starts])[..., np.newaxis]


def _targets(series: NDArray[Any], starts: range) -> NDArray[Any]:
    return np.stack([series[start + WINDOW : start + WINDOW + HORIZON] for start in starts])
