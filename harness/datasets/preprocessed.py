"""What the preprocessing of a data set returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

ARRAYS = ("train_x", "train_y", "test_x", "test_y")


@dataclass(frozen=True, kw_only=True)
class Built:
    """The four arrays, little-endian, and how they came about.

    `steps` says it in words and `parameters` in numbers; both are part of the data's digest.
    `unit` is that of the targets. A standardised target times `std` plus `mean` (both
    `float.hex()`) is in that unit.
    """

    arrays: Mapping[str, NDArray[Any]]
    steps: tuple[str, ...]
    parameters: Mapping[str, int | str]
    unit: str
    mean: str | None = None
    std: str | None = None
