"""The axis table: of the cells that differ in one axis only, how many have other bits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.analysis.cell_table import by_cell
from harness.analysis.columns import EFFECT_COLUMNS, frame_of, names
from harness.analysis.varied_axes import (
    Codes,
    Varied,
    factorised,
    group_numbers,
    shown,
    varied,
)

Row = dict[str, object]


def by_axis(runs: pd.DataFrame) -> pd.DataFrame:
    """One row per workload and axis that varies; see `EFFECT_COLUMNS`.

    Only cells that are planned and have weights are compared. `pairs` is the sum of `differ`,
    `same` and `unstable`. Linear in the number of cells.
    """
    return of_cells(by_cell(runs))


def of_cells(cells: pd.DataFrame) -> pd.DataFrame:
    """`by_axis` of runs whose cell table is there already."""
    ran = cells[cells["distinct"] > 0]
    rows = [
        row
        for _, part in ran.groupby("workload", sort=False)
        for row in effects(part, varied(part))
    ]
    return frame_of(pd.DataFrame(rows, columns=names(EFFECT_COLUMNS)), EFFECT_COLUMNS)


def effects(cells: pd.DataFrame, axes: Sequence[Varied]) -> list[Row]:
    """The rows for the cells of one workload, all with weights; `axes` are those that vary."""
    weights, _ = factorised(cells["weights_sha256"])
    init, _ = factorised(cells["init_sha256"])
    return [_effect(cells, axes, place, weights, init) for place in range(len(axes))]


def _effect(
    cells: pd.DataFrame, axes: Sequence[Varied], place: int, weights: Codes, init: Codes
) -> Row:
    axis = axes[place]
    others = group_numbers([other.codes for other in axes if other is not axis], len(cells))
    settled = (cells["distinct"] == 1).to_numpy()
    weights, init = weights[settled], init[settled]
    group, code = others[settled], axis.codes[settled]
    pairs = _pairs(others) - _pairs(others, axis.codes)
    comparable = _pairs(group) - _pairs(group, code)
    same = _pairs(group, weights) - _pairs(group, weights, code)
    same_init = _pairs(group, init) - _pairs(group, init, code)
    return {
        "workload": cells["workload"].iloc[0],
        "axis": axis.name,
        "follows": ", ".join(axis.followers),
        "values": _values(axis, range(len(axis.values))),
        "pairs": pairs,
        "differ": comparable - same,
        "differ_init": comparable - same_init,
        "same": same,
        "unstable": pairs - comparable,
        "unstable_at": _values(axis, np.unique(axis.codes[(cells["distinct"] > 1).to_numpy()])),
        "changes_bits": _in_a_word(comparable - same, comparable),
    }


def _values(axis: Varied, codes: Iterable[int]) -> str:
    return ", ".join(shown(axis.values[code]) for code in codes)


def _pairs(*codes: npt.NDArray[np.int64]) -> int:
    """How many pairs of rows are equal in all of `codes`."""
    sizes = np.bincount(group_numbers(codes, len(codes[0])))
    return int((sizes * (sizes - 1) // 2).sum())


def _in_a_word(differ: int, comparable: int) -> str:
    if comparable == 0:
        return "unknown"
    if differ == 0:
        return "never"
    return "always" if differ == comparable else "sometimes"
