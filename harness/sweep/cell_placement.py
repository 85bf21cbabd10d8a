"""On which machine of a cluster each cell is run, once per kind of machine.

All repeats of a cell are for one machine, so that what a cell says of its stability is not about
two. Where cells have records they stay; the others are divided by what their processes share, in
proportion to the CPUs.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from harness.matrix import shards
from harness.matrix.cells import Cell
from harness.matrix.machine_kinds import ANY, MachineKind

RecordedRepeats = Literal["none", "begun", "complete"]
"""How many repeats of a cell have records that need not be made again: none, some, all."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A machine that cells may be run on, or have been.

    `cpus` are those of all its workers, none where it has none now. `settle` marks a cell that
    cannot run there, `progress` says what is recorded of one.
    """

    machine: str
    hardware: Mapping[str, Any]
    cpus: int
    settle: Callable[[Cell], Cell]
    progress: Callable[[Cell], RecordedRepeats]


@dataclass(kw_only=True)
class Placement:
    """The cells by machine, and those of kinds of which there is no machine, with the reason.

    `done_elsewhere` counts those that a machine without a worker has complete.
    """

    cells: dict[str, list[Cell]] = field(default_factory=dict)
    absent: dict[MachineKind, list[Cell]] = field(default_factory=dict)
    done_elsewhere: int = 0


def place_cells(
    cells: Iterable[Cell], kinds: Sequence[MachineKind], candidates: Sequence[Candidate]
) -> Placement:
    """Where each cell is run, once for each of the kinds; for any machine where there are none."""
    asked = tuple(kinds) or (ANY,)
    fitting = {
        kind: [one for one in candidates if kind.lacks(one.hardware) is None] for kind in asked
    }
    found = Placement(cells={one.machine: [] for one in candidates if one.cpus})
    for cell in cells:
        taken: set[str] = set()
        for kind in asked:
            _place(cell, kind, fitting[kind], candidates, taken, found)
    return found


def _place(
    cell: Cell,
    kind: MachineKind,
    fitting: Sequence[Candidate],
    all_machines: Sequence[Candidate],
    taken: set[str],
    found: Placement,
) -> None:
    chosen = _machine_for(cell, fitting)
    if chosen is None:
        reason = f"no worker is a machine of the kind {kind}{_why(kind, all_machines)}"
        absent = cell if cell.status else replace(cell, status="unavailable", reason=reason)
        found.absent.setdefault(kind, []).append(absent)
    elif chosen.machine in taken:
        return  # two kinds, one machine
    elif chosen.cpus:
        taken.add(chosen.machine)
        found.cells[chosen.machine].append(chosen.settle(cell))
    else:
        found.done_elsewhere += 1


def _machine_for(cell: Cell, fitting: Sequence[Candidate]) -> Candidate | None:
    progress = {one.machine: one.progress(cell) for one in fitting}
    complete = [one for one in fitting if progress[one.machine] == "complete"]
    present = [one for one in fitting if one.cpus]
    if complete or not present:
        return next((one for one in complete if one.cpus), complete[0] if complete else None)
    able = [one for one in present if one.settle(cell).status is None]
    begun = [one for one in able if progress[one.machine] == "begun"]
    if begun:
        return begun[0]
    return max(able, key=lambda one: _rank(cell, one)) if able else present[0]


def _rank(cell: Cell, candidate: Candidate) -> float:
    """Its rank among machines: where the highest goes, the ranks of the others stay."""
    text = shards.group_digest(cell) + candidate.machine.encode()
    number = int.from_bytes(hashlib.sha256(text).digest()[:8], "big")
    return -candidate.cpus / math.log((number + 1) / (2**64 + 1))


def _why(kind: MachineKind, candidates: Sequence[Candidate]) -> str:
    reasons = [f"{one.machine}: {kind.lacks(one.hardware)}" for one in candidates if one.cpus]
    return f" ({'; '.join(reasons)})" if reasons else ""
