"""What each setting did, machine by machine: the table of axes as the page has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.analysis import axis_examples, axis_table
from harness.publish import page_address
from harness.publish.axis_view import cause
from harness.publish.page_address import Link
from harness.wording import counted

BETWEEN = "machine"
"""The axis that no single machine can say anything of."""


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What an axis did on one machine; `word` is its kind as a class of CSS."""

    word: str
    text: str
    cause: str = ""


@dataclass(frozen=True, kw_only=True)
class AxisEffects:
    """An axis: its name, what moves with it, and what it did on each machine in turn.

    Of the axis `machine` there is one effect, between all of them.
    """

    axis: str
    follows: str
    effects: tuple[Effect, ...]
    links: tuple[Link, ...]


@dataclass(frozen=True, kw_only=True)
class EffectTable:
    """The axes of one workload as one matrix varied them on one device."""

    workload: str
    matrix: str
    device: str
    machines: tuple[str, ...]
    rows: tuple[AxisEffects, ...]


def of_cells(cells: pd.DataFrame) -> list[EffectTable]:
    """The tables of a workload's cells; none of a matrix in which nothing varies."""
    ran = cells[cells["distinct"] > 0]
    tables = [
        _table(part.reset_index(drop=True), matrix=matrix, device=device)
        for (matrix, device), part in ran.groupby(["matrix", "device"], sort=False)
    ]
    return [table for table in tables if table.rows]


def _table(cells: pd.DataFrame, *, matrix: str, device: str) -> EffectTable:
    machines = tuple(str(name) for name in cells["machine"].unique())
    each = [axis_table.of_cells(cells[cells["machine"] == name]) for name in machines]
    return EffectTable(
        workload=str(cells["workload"].iloc[0]),
        matrix=matrix,
        device=device,
        machines=machines,
        rows=tuple(_rows(cells, axis_table.of_cells(cells), each)),
    )


def _rows(
    cells: pd.DataFrame, whole: pd.DataFrame, each: Sequence[pd.DataFrame]
) -> Iterator[AxisEffects]:
    for _, row in whole.iterrows():
        axis = str(row["axis"])
        between = axis == BETWEEN
        effects = [_effect(row)] if between else [_of_axis(table, axis) for table in each]
        yield AxisEffects(
            axis=axis,
            follows=str(row["follows"]),
            effects=tuple(effects),
            links=tuple(_links(cells, row)),
        )


def _of_axis(table: pd.DataFrame, axis: str) -> Effect:
    rows = table[table["axis"] == axis]
    return Effect(word="none", text="") if rows.empty else _effect(rows.iloc[0])


def _effect(row: pd.Series[Any]) -> Effect:
    word = str(row["changes_bits"])
    compared = int(row["differ"]) + int(row["same"])
    pairs = f"{row['differ']} of {counted(compared, 'pair')}"
    texts = {
        "few pairs": f"changed the bits in {pairs}",
        "no effect": f"no effect ({row['no_effect']})",
        "unknown": "no pairs",
    }
    return Effect(
        word=word.replace(" ", "-"),
        text=texts.get(word, f"{word}, {pairs}"),
        cause=cause(row) if row["unstable_at"] else "",
    )


def _links(cells: pd.DataFrame, row: pd.Series[Any]) -> Iterator[Link]:
    """To two cells that the axis tells apart: in their stability first, else in their bits."""
    axis, workload = str(row["axis"]), str(row["workload"])
    found = axis_examples.divided(cells, axis) if row["unstable_at"] else ()
    found = found or (axis_examples.differing(cells, axis) if row["differ"] else ())
    if found:
        yield Link(text="two cells", address=page_address.to_cells(workload, found))
