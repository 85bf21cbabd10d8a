"""Cells with one weight moved by one ULP: what the least possible difference becomes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from harness.analysis import cell_table, parameters
from harness.analysis.varied_axes import SETTINGS

_AXIS = "nudge"
_ONE_ULP = "one-ulp"

Key = tuple[Hashable, ...]


def by_cell(runs: pd.DataFrame) -> dict[Key, Mapping[str, Any]]:
    """The nudged cells that are stable, as rows of the cell table, by `key`."""
    nudged = runs[runs[_AXIS] == _ONE_ULP]
    if nudged.empty:
        return {}
    cells = cell_table.by_cell(nudged)
    rows: list[Mapping[str, Any]] = cells.to_dict("records")  # type: ignore[assignment]
    return {key(row): row for row in rows if row["distinct"] == 1}


def key(cell: Mapping[str, Any]) -> Key:
    """What a cell and its nudged one have in common: all settings but the nudge."""
    names = [name for name in (*SETTINGS, *parameters.of_names(cell)) if name != _AXIS]
    return (cell["matrix"], cell["machine"], cell["workload"], *(str(cell[name]) for name in names))
