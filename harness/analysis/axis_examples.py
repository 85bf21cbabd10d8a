"""The two cells that show best what an axis did: they differ in it and in nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.analysis.axis_table import other_axes
from harness.analysis.varied_axes import found_axes

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class CellName:
    """What names a cell among all results; `machine` as in the column of that name."""

    matrix: str
    machine: str
    cell: str


Examples = tuple[CellName, ...]
"""Two cells, or none where no two show it."""


def named(row: pd.Series[Any]) -> CellName:
    """The name of a row of the cell table."""
    return CellName(matrix=str(row["matrix"]), machine=str(row["machine"]), cell=str(row["cell"]))


def divided(cells: pd.DataFrame, axis: str) -> Examples:
    """An unstable cell, and a stable one that was found to differ from it in this axis only."""
    unstable = (cells["distinct"] > 1).to_numpy(dtype=bool)
    stable = (cells["verdict"] == "stable").to_numpy(dtype=bool)
    return _first_pair(cells, axis, unstable, stable, lambda one, other: True)


def differing(cells: pd.DataFrame, axis: str) -> Examples:
    """Two cells with other weights that were found to differ in this axis only."""
    settled = (cells["distinct"] == 1).to_numpy(dtype=bool)
    weights = cells["weights_sha256"].to_numpy(dtype=object)
    return _first_pair(cells, axis, settled, settled, lambda a, b: bool(weights[a] != weights[b]))


def _first_pair(
    cells: pd.DataFrame, axis: str, left: Mask, right: Mask, is_wanted: Callable[[int, int], bool]
) -> Examples:
    axes = found_axes(cells)
    own = next((one for one in axes if one.name == axis), None)
    if own is None:
        return ()
    others = other_axes(cells, own, axes).tolist()
    first: dict[int, int] = {}
    for place in np.flatnonzero(left).tolist():
        first.setdefault(others[place], place)
    for place in np.flatnonzero(right).tolist():
        one = first.get(others[place], place)
        if own.codes[one] != own.codes[place] and is_wanted(one, place):
            return named(cells.iloc[one]), named(cells.iloc[place])
    return ()
