"""The axis table at a glance: axes down, workloads across."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from harness.publish.layout import Shown, few

_FROM_START = "°"
_GAP = 2
_WIDEST = 24


def pivots(frame: pd.DataFrame, width: int) -> Iterator[list[Shown]]:
    """Tables of axes by workloads, as many workloads side by side as fit into `width`.

    The values of the axes stand beside them where that does not need another table.
    """
    axes = _axes(frame)
    names = Shown(name="axis", header="axis", values=tuple(axes.values()))
    values = Shown(name="tested", header="values", values=_tested(frame, axes))
    effects = [
        _of_workload(str(name), part, axes) for name, part in frame.groupby("workload", sort=False)
    ]
    short = list(_side_by_side([names], effects, width))
    full = list(_side_by_side([names, values], effects, width))
    yield from full if len(full) == len(short) else short


def _side_by_side(left: list[Shown], columns: list[Shown], width: int) -> Iterator[list[Shown]]:
    start = width - sum(_width(column) for column in left)
    room = start
    side_by_side: list[Shown] = []
    for column in columns:
        room -= _width(column)
        if room < 0 and side_by_side:
            yield [*left, *side_by_side]
            side_by_side, room = [], start - _width(column)
        side_by_side.append(column)
    if side_by_side:
        yield [*left, *side_by_side]


def legend(frame: pd.DataFrame) -> Iterator[str]:
    """What the numbers mean."""
    yield "always 4/4: of 4 pairs of cells that differ in this axis only, 4 have other weights."
    if _begins_differently(frame).any():
        yield f"{_FROM_START} all of these start from other weights: another random stream."
    if frame["axis"].isin(["isa", "cpus"]).any():
        yield "isa, cpus: smaller CPUs than the machine has are emulated."
    if (frame["unstable"] > 0).any():
        yield "unstable: cells whose own runs differ, so that pairs with them cannot be compared."


def _axes(frame: pd.DataFrame) -> dict[str, str]:
    """Every axis and what stands beside its row: its name and what moves with it."""
    found: dict[str, str] = {}
    for axis, part in frame.groupby("axis", sort=False):
        follows = dict.fromkeys(
            name for text in part["follows"] for name in text.split(", ") if name
        )
        found[str(axis)] = f"{axis} (with {', '.join(follows)})" if follows else str(axis)
    return found


def _tested(frame: pd.DataFrame, axes: dict[str, str]) -> tuple[str, ...]:
    """The values of each axis, in short; of the workload that has most."""
    longest = {axis: max(part["values"], key=len) for axis, part in frame.groupby("axis")}
    return tuple(few(longest[axis], _WIDEST) for axis in axes)


def _begins_differently(frame: pd.DataFrame) -> pd.Series[bool]:
    return (frame["differ"] > 0) & (frame["differ"] == frame["differ_init"])


def _of_workload(name: str, part: pd.DataFrame, axes: dict[str, str]) -> Shown:
    rows = part.set_index("axis")
    marks = _begins_differently(part).set_axis(rows.index)
    values = tuple(
        _cell(rows.loc[axis], bool(marks[axis])) if axis in rows.index else "" for axis in axes
    )
    return Shown(name="effect", header=name, values=values)


def _width(column: Shown) -> int:
    return max(len(text) for text in (column.header, *column.values)) + _GAP


def _cell(row: pd.Series[Any], from_start: bool) -> str:
    comparable = int(str(row["differ"])) + int(str(row["same"]))
    unstable = str(row["unstable_at"])
    partly = unstable and unstable != row["values"]
    parts = []
    if comparable:
        mark = _FROM_START if from_start else ""
        parts.append(f"{row['changes_bits']} {row['differ']}/{comparable}{mark}")
    if partly or (unstable and not comparable):
        parts.append(f"unstable at {unstable}" if partly else "unstable")
    return ", ".join(parts) or "no pairs"
