"""The axis table: of the cells that are found to differ in one axis only, how many have other bits.

What counts is what was in force, not what was asked: two cells that were asked differently and
found equal are the same experiment twice. An axis is named as the cause of unstable cells only
where its value divides them from stable ones, all else being equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.analysis.axis_values import shown
from harness.analysis.cell_table import by_cell
from harness.analysis.columns import EFFECT_COLUMNS, frame_of, names
from harness.analysis.varied_axes import (
    Codes,
    VariedAxis,
    asked_axes,
    factorised,
    found_axes,
    group_numbers,
)

Row = dict[str, object]
Mask = npt.NDArray[np.bool_]

LEAST_PAIRS = 5
"""Of fewer pairs nothing is said but how many they are."""


def by_axis(runs: pd.DataFrame) -> pd.DataFrame:
    """One row per workload and axis asked to vary; see `EFFECT_COLUMNS`.

    Only cells that are planned and have weights are compared. `pairs` is the sum of `differ`,
    `same` and `unstable`. Linear in the number of cells.
    """
    return of_cells(by_cell(runs))


def of_cells(cells: pd.DataFrame) -> pd.DataFrame:
    """`by_axis` of runs whose cell table is there already."""
    ran = cells[cells["distinct"] > 0]
    rows = [row for _, part in ran.groupby("workload", sort=False) for row in _of_workload(part)]
    return frame_of(pd.DataFrame(rows, columns=names(EFFECT_COLUMNS)), EFFECT_COLUMNS)


def _of_workload(cells: pd.DataFrame) -> list[Row]:
    asked, varied = asked_axes(cells), found_axes(cells)
    in_force = {axis.name: axis for axis in varied}
    rows = []
    for axis in asked:
        own = in_force.get(axis.name)
        effect = _effect(cells, own, varied) if own else _none(axis)
        effect["no_effect"] = _without_effect(cells, axis, asked)
        if effect["no_effect"] and not effect["pairs"]:
            effect["changes_bits"] = "no effect"
        rows.append({**effect, "workload": cells["workload"].iloc[0], "axis": axis.name})
    return rows


def _none(axis: VariedAxis) -> Row:
    """An axis without a pair: it was found equal, or to change with another axis."""
    counts = ("pairs", "differ", "differ_init", "same", "unstable", "divided")
    texts = ("follows", "unstable_at", "stable_at", "no_effect")
    return {
        **dict.fromkeys(counts, 0),
        **dict.fromkeys(texts, ""),
        "values": _values(axis, range(len(axis.values))),
        "changes_bits": "unknown",
    }


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Pairs of cells that differ in one axis only: how many, and how many can be compared."""

    pairs: int
    comparable: int
    same: int
    same_init: int


def pairs(cells: pd.DataFrame, axis: VariedAxis, axes: Sequence[VariedAxis]) -> Pairs:
    """Count the pairs that differ in `axis` and in no other of `axes`; all cells have weights."""
    others, codes = other_axes(cells, axis, axes), axis.codes
    settled = (cells["distinct"] == 1).to_numpy()
    weights, init = (
        factorised(cells[name])[0][settled] for name in ("weights_sha256", "init_sha256")
    )
    group, code = others[settled], codes[settled]
    return Pairs(
        pairs=_equal(others) - _equal(others, codes),
        comparable=_equal(group) - _equal(group, code),
        same=_equal(group, weights) - _equal(group, weights, code),
        same_init=_equal(group, init) - _equal(group, init, code),
    )


def other_axes(cells: pd.DataFrame, axis: VariedAxis | None, axes: Sequence[VariedAxis]) -> Codes:
    """Equal numbers for cells that are equal in every axis but this one."""
    name = axis.name if axis is not None else None
    return group_numbers([other.codes for other in axes if other.name != name], len(cells))


def _effect(cells: pd.DataFrame, axis: VariedAxis, axes: Sequence[VariedAxis]) -> Row:
    count = pairs(cells, axis, axes)
    differ = count.comparable - count.same
    return {
        **_none(axis),
        "follows": ", ".join(axis.followers),
        "pairs": count.pairs,
        "differ": differ,
        "differ_init": count.comparable - count.same_init,
        "same": count.same,
        "unstable": count.pairs - count.comparable,
        **_division(cells, axis, axes),
        "changes_bits": _changes_bits(differ, count.comparable),
    }


def _division(cells: pd.DataFrame, axis: VariedAxis, axes: Sequence[VariedAxis]) -> Row:
    """In how many pairs one cell is stable and one is not, and at which values."""
    others = other_axes(cells, axis, axes)
    own = group_numbers([others, axis.codes], len(others))
    unstable = (cells["distinct"] > 1).to_numpy()
    stable = (cells["verdict"] == "stable").to_numpy(dtype=bool)
    # Per cell: stable, and unstable, cells that differ from it in this axis only.
    stable_ones = _members(others, stable) - _members(own, stable)
    unstable_ones = _members(others, unstable) - _members(own, unstable)
    unstable_at = set(axis.codes[unstable & (stable_ones > 0)].tolist())
    stable_at = set(axis.codes[stable & (unstable_ones > 0)].tolist())
    # A value on both sides divides nothing: something else, or chance, decides.
    is_cause = not unstable_at & stable_at
    return {
        "divided": int(stable_ones[unstable].sum()),
        "unstable_at": _values(axis, sorted(unstable_at)) if is_cause else "",
        "stable_at": _values(axis, sorted(stable_at)) if is_cause else "",
    }


def _members(groups: Codes, mask: Mask) -> Codes:
    """Per cell, how many of the cells in `mask` are in its group."""
    return np.bincount(groups, weights=mask, minlength=0).astype(np.int64)[groups]


def _without_effect(cells: pd.DataFrame, axis: VariedAxis, axes: Sequence[VariedAxis]) -> str:
    """Values that were asked of cells equal in all else, and found to be one: `auto, off: off`."""
    column = f"found_{axis.name}"
    if column not in cells:
        return ""
    codes, values = factorised(cells[column])
    others = group_numbers([other_axes(cells, axis, axes), codes + 1], len(cells))
    asked = np.unique(np.stack([others, axis.codes]), axis=1)[0]
    several = (np.bincount(asked) > 1)[others] & (codes >= 0)
    return "; ".join(
        f"{_values(axis, np.unique(axis.codes[several & (codes == code)]))}: {shown(str(value))}"
        for code, value in enumerate(values)
        if (several & (codes == code)).any()
    )


def _values(axis: VariedAxis, codes: Iterable[int]) -> str:
    return ", ".join(shown(axis.values[code]) for code in codes)


def _equal(*codes: Codes) -> int:
    """How many pairs of rows are equal in all of `codes`."""
    sizes = np.bincount(group_numbers(codes, len(codes[0])))
    return int((sizes * (sizes - 1) // 2).sum())


def _changes_bits(differ: int, comparable: int) -> str:
    if comparable == 0:
        return "unknown"
    if comparable < LEAST_PAIRS:
        return "few pairs"
    if differ == 0:
        return "never"
    return "always" if differ == comparable else "sometimes"
