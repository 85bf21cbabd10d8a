"""Two sides of `compare`, named as `diff` and `why` name them: single runs, or DIR1:A DIR2:B."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from harness.analysis import cell_table, comparison_table, run_table
from harness.analysis.cell_comparison import Pair
from harness.analysis.comparison_table import Sizes
from harness.analysis.merging import MergedResults
from harness.errors import UsageError
from harness.publish.views import View
from harness.studies import named_cells, one_bit
from harness.studies.named_cells import Side

_RUN = re.compile(r".*[#@][0-9.]+")


def are_named(arguments: Sequence[str]) -> bool:
    """Whether these are two such sides, and not folders with cells behind them."""
    absent = [each for each in arguments if not Path(each).exists()]
    if len(absent) != 2 or absent != list(arguments[-2:]):
        return False
    if len(arguments) == 2:
        folders = [each.rpartition(":")[0] for each in arguments]
        return all(folder and Path(folder).exists() for folder in folders)
    return len(arguments) == 3 and any(_RUN.fullmatch(each) for each in absent)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """`table` is the view that was asked for, `cells` that of cells; see `unverified`."""

    table: pd.DataFrame
    cells: pd.DataFrame
    unverified: list[str]


def compared(arguments: Sequence[str], by: View) -> Compared:
    """The second side against the first.

    Raises:
        UsageError: they are one run, of two workloads, or this view is of more than two cells.
        SelectionError: nothing, or more than one cell, has such a name, or it has no weights.
        RecordError: a record, or stored arrays, are damaged.
    """
    if by not in (View.cell, View.tensor):
        raise UsageError(f"two cells are compared --by cell or --by tensor, not {by.value}")
    with named_cells.opened(arguments) as named:
        sides = named_cells.resolve(named)
        named_cells.require_one_workload(sides)
        named_cells.require_two_runs(sides)
        labels = _labels(sides)
        runs = [
            run_table.runs(side.sweep.folder).assign(machine=label)
            for side, label in zip(sides, labels, strict=True)
        ]
        cells = [_cell(side, own) for side, own in zip(sides, runs, strict=True)]
        pair = Pair(
            baseline=cells[0], compared=cells[1], baseline_machine=labels[0], machine=labels[1]
        )
        merged = _merged(sides, labels, runs)
        sizes = Sizes(merged)
        frame = comparison_table.comparison([pair], sizes)
        table = frame if by is View.cell else comparison_table.by_tensor([pair], sizes)
        return Compared(table=table, cells=frame, unverified=unverified(frame, merged))


def unverified(compared: pd.DataFrame, merged: MergedResults) -> list[str]:
    """Why cells that are called identical are not verified to be; none where all are."""
    same = compared[compared["verdict"] == "identical"].drop_duplicates("weights_sha256")
    places = zip(same["matrix"], same["machine"], same["weights_sha256"], strict=True)
    controls = (
        one_bit.of_weights(merged.folders[matrix, machine], sha256)
        for matrix, machine, sha256 in places
    )
    return list(filter(None, controls))


def _labels(sides: Sequence[Side]) -> list[str]:
    """The machines by name, and by folder where two folders are of one."""
    one, other = sides
    machines = [side.sweep.machine for side in sides]
    if machines[0] != machines[1] or one.sweep.folder.resolve() == other.sweep.folder.resolve():
        return machines
    names = [Path(side.folder).name for side in sides]
    if names[0] == names[1]:
        names = [side.folder for side in sides]
    return [f"{machine}@{name}" for machine, name in zip(machines, names, strict=True)]


def _cell(side: Side, runs: pd.DataFrame) -> dict[str, Any]:
    """The side as a row of the cell table."""
    own = runs[runs["cell"] == side.cell]
    if side.repeat is not None:
        own = own[own["repeat"] == side.repeat]
    row = cell_table.by_cell(own.reset_index(drop=True)).iloc[0]
    name = side.cell if side.repeat is None else f"{side.cell}#{side.repeat}"
    return {**{str(column): row[column] for column in row.index}, "cell": name}


def _merged(
    sides: Sequence[Side], labels: Sequence[str], runs: Sequence[pd.DataFrame]
) -> MergedResults:
    folders = {
        (side.sweep.matrix, label): (side.sweep.folder,)
        for side, label in zip(sides, labels, strict=True)
    }
    # Both sides may be of one sweep.
    own = runs[:1] if len(folders) == 1 else runs
    return MergedResults(
        runs=pd.concat(own, ignore_index=True), folders=folders, machines={}, notes=()
    )
