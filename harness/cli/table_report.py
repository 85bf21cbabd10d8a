"""What `table` prints. It needs pandas, which takes a while to import."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from harness import console
from harness.analysis import unequal_results
from harness.analysis.axis_table import by_axis
from harness.analysis.cell_table import WEIGHTS, by_cell
from harness.analysis.class_table import by_class
from harness.analysis.run_table import runs
from harness.publish import tables

_OF_RUNS: Mapping[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "run": lambda table: table,
    "cell": by_cell,
    "axis": by_axis,
}


def show(folders: Sequence[Path], by: str, format: str, of: str = WEIGHTS) -> None:
    """The table of the results below `folders`, and how many runs there are.

    `of` says what is equal in a class.
    """
    table, sweeps = _read(folders)
    console.result(tables.render(_frame(sweeps, table, by, format, of), format))
    console.note(tables.summary(table))
    for sentence in unequal_results.sentences(by_cell(table)):
        console.note(sentence)


def _read(folders: Sequence[Path]) -> tuple[pd.DataFrame, list[Path]]:
    """The run table of all folders, and where their records lie."""
    if len(folders) == 1:
        return runs(folders[0]), list(folders)
    from harness.analysis import merging

    merged = merging.merge(folders)
    for note in merged.notes:
        console.note(note)
    return merged.runs, [sweep for sweeps in merged.folders.values() for sweep in sweeps]


def _frame(
    folders: Sequence[Path], table: pd.DataFrame, by: str, format: str, of: str
) -> pd.DataFrame:
    if by == "class":
        return by_class(table, of)
    if by == "setting":
        return _settings(folders, format)
    if by == "model":
        return _models(folders)
    return _OF_RUNS[by](table)


def _models(folders: Sequence[Path]) -> pd.DataFrame:
    # It reads every record, as `_settings` does.
    from harness.analysis import model_table

    return pd.concat([model_table.by_model(folder) for folder in folders], ignore_index=True)


def _settings(folders: Sequence[Path], format: str) -> pd.DataFrame:
    """Every row for programs; for people each finding once, since most cells agree."""
    # It reads every record, and what reads records takes a while to import.
    from harness.analysis import setting_table

    frames = [setting_table.by_setting(folder) for folder in folders]
    frame = pd.concat(frames, ignore_index=True)
    return frame if format in ("csv", "json") else setting_table.grouped(frame)
