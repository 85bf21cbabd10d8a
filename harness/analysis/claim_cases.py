"""What the cells of one workload say about a claim: case by case, a cell or a pair of cells each.

Only cells with two completed runs or more can show anything: one run says nothing of the next.
What counts in pairs is what was found in force, as in the axis table.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from harness.analysis.axis_table import other_axes
from harness.analysis.axis_values import shown
from harness.analysis.claimed_cells import ClaimedCells
from harness.analysis.varied_axes import VariedAxis, found_axes, found_values, texts
from harness.matrix.claim import in_words

Cell = Mapping[str, Any]
Unit = Literal["cell", "pair"]

_INSTABILITY = 1e9
"""Runs that differ refute more clearly than any number of equal runs."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A cell, or a pair of cells, as matrix/machine/cell, and whether it is as expected.

    `said` is what its runs say. Of several cases the one with the largest `clarity` shows best
    what they show.
    """

    cells: tuple[str, ...]
    held: bool
    said: str
    clarity: float
    emulated: bool = False


@dataclass(frozen=True, kw_only=True)
class Untried:
    """Cells, or pairs of cells, that say nothing, and why; of `cells` there may be none."""

    unit: Unit
    why: str
    cells: tuple[str, ...] = ()


Outcome = Case | Untried


def outcomes(cells: pd.DataFrame, claimed: ClaimedCells) -> list[Outcome]:
    """What these rows of a cell table, all of one workload, say about a claim about them."""
    expect = claimed.claim.expect
    if expect.kind in ("stable", "unstable"):
        return [_of_cell(cell, expect.kind) for cell in _rows(cells)]
    ran = cells[cells["distinct"] > 0].reset_index(drop=True)
    without = [_untried(cell) for cell in _rows(cells[cells["distinct"] == 0])]
    if ran.empty:
        return [*without]
    if expect.kind == "divided":
        return [*without, *_divided(ran, claimed)]
    return [*without, *_compared(ran, expect.over, expects_equal=expect.kind == "equal")]


def unit_of(claimed: ClaimedCells) -> Unit:
    """What a claim is tried on."""
    return "cell" if claimed.claim.expect.kind in ("stable", "unstable") else "pair"


def name_of(cell: Cell) -> str:
    """A cell as matrix/machine/cell."""
    return f"{cell['matrix']}/{cell['machine']}/{cell['cell']}"


def _rows(cells: pd.DataFrame) -> list[Cell]:
    columns = [cells[name].tolist() for name in cells.columns]
    return [dict(zip(cells.columns, row, strict=True)) for row in zip(*columns, strict=True)]


def _of_cell(cell: Cell, expected: str) -> Outcome:
    if cell["verdict"] == "untested":
        return _untried(cell)
    return Case(
        cells=(name_of(cell),),
        held=cell["verdict"] == expected,
        said=_runs_of(cell),
        clarity=_clarity(cell),
        emulated=bool(cell["emulated"]),
    )


def _untried(cell: Cell) -> Untried:
    reason = str(cell["reason"])
    missing = f"{cell['status']}: {reason}" if reason else str(cell["status"])
    why = "ran only once" if cell["distinct"] > 0 else missing
    return Untried(unit="cell", why=why, cells=(name_of(cell),))


def _runs_of(cell: Cell) -> str:
    runs = int(cell["runs"])
    if cell["distinct"] > 1:
        return f"{cell['distinct']} different weights in {runs} runs"
    return f"{runs} of {runs} runs equal"


def _clarity(cell: Cell) -> float:
    """The more runs agree, or the more of them differ, the clearer."""
    runs, distinct = int(cell["runs"]), int(cell["distinct"])
    return float(runs) if distinct == 1 else _INSTABILITY * distinct / runs + runs


def _compared(ran: pd.DataFrame, over: str, *, expects_equal: bool) -> Iterator[Outcome]:
    axes = found_axes(ran)
    axis = next((one for one in axes if one.name == over), None)
    if axis is None:
        yield Untried(unit="pair", why=_not_varied(ran, over, axes))
        return
    rows, some = _rows(ran), False
    name = f"{over} (with {', '.join(axis.followers)})" if axis.followers else over
    for one, other in _pairs(other_axes(ran, axis, axes).tolist(), axis.codes.tolist()):
        some = True
        values = (shown(axis.values[axis.codes[place]]) for place in (one, other))
        what = f"{name} {' and '.join(values)}"
        yield _of_pair(rows[one], rows[other], what, expects_equal=expects_equal)
    if not some:
        yield Untried(unit="pair", why=f"no two cells are found to differ in {over} only")


def _not_varied(ran: pd.DataFrame, over: str, axes: Sequence[VariedAxis]) -> str:
    leader = next((axis.name for axis in axes if over in axis.followers), None)
    if leader is not None:
        return f"{over} changes only together with {leader}"
    asked = sorted(set(texts(ran[over])))
    found = sorted(set(texts(found_values(ran, over))))
    if len(asked) > 1:
        return f"{over} {', '.join(map(shown, asked))} were asked, {shown(found[0])} was found"
    return f"the cells that ran have one {over} only: {shown(asked[0])}"


def _pairs(groups: Sequence[int], codes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The places of the cells that share a group and differ in their code, the lower code first."""
    members: dict[int, list[int]] = {}
    for place in sorted(range(len(groups)), key=lambda place: codes[place]):
        members.setdefault(groups[place], []).append(place)
    for places in members.values():
        for one, other in itertools.combinations(places, 2):
            if codes[one] != codes[other]:
                yield one, other


def _of_pair(one: Cell, other: Cell, what: str, *, expects_equal: bool) -> Outcome:
    both = (one, other)
    names = tuple(map(name_of, both))
    if any(cell["distinct"] > 1 for cell in both):
        return Untried(unit="pair", why="a cell is unstable", cells=names)
    if any(cell["verdict"] == "untested" for cell in both):
        return Untried(unit="pair", why="a cell ran only once", cells=names)
    equal = one["weights_sha256"] == other["weights_sha256"]
    return Case(
        cells=names,
        held=equal is expects_equal,
        said=f"{what}: {'equal weights' if equal else _apart(one, other)}",
        clarity=float(min(cell["runs"] for cell in both)) if equal else _distance(one, other),
        emulated=any(cell["emulated"] for cell in both),
    )


def _apart(one: Cell, other: Cell) -> str:
    inits = {str(cell["init_sha256"]) for cell in (one, other) if pd.notna(cell["init_sha256"])}
    start = ", already the initial ones" if len(inits) > 1 else ""
    losses = [f"{cell['loss']:.9g}" for cell in (one, other)]
    seen = f", loss {' and '.join(losses)}" if len(set(losses)) > 1 else ""
    return f"other weights{start}{seen}"


def _distance(one: Cell, other: Cell) -> float:
    """How far apart the losses are, as a share; what has no loss is not far."""
    losses = [float(cell["loss"]) for cell in (one, other)]
    if not all(map(math.isfinite, losses)) or losses[0] == losses[1]:
        return 0.0
    return abs(losses[0] - losses[1]) / max(map(abs, losses))


def _divided(ran: pd.DataFrame, claimed: ClaimedCells) -> Iterator[Outcome]:
    expect = claimed.claim.expect
    keys = tuple(dict.fromkeys([*expect.stable_with, *expect.unstable_with]))
    axes = [axis for axis in found_axes(ran) if axis.name not in keys]
    groups = other_axes(ran, None, axes).tolist()
    found = [tuple(row) for row in zip(*(texts(found_values(ran, k)) for k in keys), strict=True)]
    rows, some = _rows(ran), False
    for one, other in itertools.product(range(len(rows)), repeat=2):
        sides = rows[one]["cell"] in claimed.stable and rows[other]["cell"] in claimed.unstable
        if one != other and groups[one] == groups[other] and sides:
            some = True
            if found[one] == found[other]:
                names = (name_of(rows[one]), name_of(rows[other]))
                yield Untried(unit="pair", why="asked differently, found equal", cells=names)
            else:
                with_, without = map(in_words, (expect.stable_with, expect.unstable_with))
                yield _of_division(rows[one], rows[other], with_, without)
    if not some:
        why = f"no two cells are found to differ in {', '.join(keys)} only"
        yield Untried(unit="pair", why=why)


def _of_division(stable: Cell, unstable: Cell, with_: str, without: str) -> Outcome:
    both = (stable, unstable)
    names = tuple(map(name_of, both))
    if any(cell["verdict"] == "untested" for cell in both):
        return Untried(unit="pair", why="a cell ran only once", cells=names)
    return Case(
        cells=names,
        held=stable["verdict"] == "stable" and unstable["verdict"] == "unstable",
        said=f"{with_}: {_runs_of(stable)}; {without}: {_runs_of(unstable)}",
        clarity=_clarity(stable) + (_clarity(unstable) if unstable["distinct"] == 1 else 0),
        emulated=any(cell["emulated"] for cell in both),
    )


def clearest(cases: Iterable[Case]) -> Case | None:
    """The case that shows best what they show, the first of equally clear ones."""
    return max(cases, key=lambda case: case.clarity, default=None)
