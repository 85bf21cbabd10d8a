"""The axis table at a glance: axes down, workloads across."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from harness.analysis.axis_table import LEAST_PAIRS
from harness.publish.layout import few
from harness.publish.shown import Shown

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
    differing = "pairs of cells that are found to differ in this axis only"
    if (frame["changes_bits"] == "few pairs").all():
        yield f"2 of 3: of 3 {differing}, 2 have other weights."
    else:
        yield (
            f"always 6/6: of 6 {differing}, all have "
            f"other weights; of fewer than {LEAST_PAIRS} pairs only the numbers are given."
        )
    if _begins_differently(frame).any():
        yield f"{_FROM_START} all of these start from other weights."
    if (frame["changes_bits"] == "no effect").any():
        yield "no effect: values that were asked, and the one that was found for all of them."
    if frame["axis"].isin(["isa", "cpus"]).any():
        yield "isa, cpus: smaller CPUs than the machine has are emulated."
    if (frame["unstable"] > 0).any():
        yield (
            "unstable: cells whose own runs differ, so that pairs with them cannot be compared. An "
            "axis is named as the cause where its value divides them from stable ones, all else "
            "being equal."
        )


def _axes(frame: pd.DataFrame) -> dict[str, str]:
    """Every axis and what stands beside its row: its name and what moves with it."""
    names: dict[str, str] = {}
    for axis, part in frame.groupby("axis", sort=False):
        follows = dict.fromkeys(
            name for text in part["follows"] for name in text.split(", ") if name
        )
        names[str(axis)] = f"{axis} (with {', '.join(follows)})" if follows else str(axis)
    return names


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
    """`always 6/6°, unstable at tf, stable at all (3 of 3 pairs)`."""
    parts = [f"{changes(row)}{_FROM_START if from_start else ''}"] if _comparable(row) else []
    if row["unstable_at"]:
        parts.append(cause(row))
    elif row["unstable"] and not parts:
        parts.append(f"unstable ({row['unstable']} pair{'' if row['unstable'] == 1 else 's'})")
    if row["changes_bits"] == "no effect":
        parts.append(f"no effect ({row['no_effect']})")
    return ", ".join(parts) or "no pairs"


def _comparable(row: pd.Series[Any]) -> int:
    return int(str(row["differ"])) + int(str(row["same"]))


def changes(row: pd.Series[Any]) -> str:
    """In how many pairs the axis changed bits; in a word only where they are several."""
    if row["changes_bits"] == "few pairs":
        return f"{row['differ']} of {_comparable(row)}"
    return f"{row['changes_bits']} {row['differ']}/{_comparable(row)}"


def cause(row: pd.Series[Any]) -> str:
    """Which values of the axis divide unstable from stable cells, and in how many comparisons."""
    unstable_at, stable_at = (few(str(row[name]), _WIDEST) for name in ("unstable_at", "stable_at"))
    pairs = f"{row['divided']} of {row['unstable']} pairs"
    return f"unstable at {unstable_at}, stable at {stable_at} ({pairs})"
