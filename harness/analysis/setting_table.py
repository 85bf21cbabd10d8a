"""The setting table: what was asked of each run, what was found, and how it was read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from harness.analysis.columns import SETTING_ROW_COLUMNS, frame_of, names
from harness.analysis.parameters import asked_of, found_in
from harness.protocol.open_values import DEFAULT
from harness.results.record import Record
from harness.results.scan import SweepFolder, sweeps

AS_ASKED, DIFFERS, UNKNOWN, FREE = "as asked", "differs", "unknown", "free"

_OPEN = (DEFAULT, "auto")
_NOT_READ = "the record's runner did not read it back"
_NO_REPLY = "the run left no reply"

_Row = tuple[str, str, str, str | None, str, str]
"""cell, setting, asked, found, state, how"""


def by_setting(folder: str | Path) -> pd.DataFrame:
    """One row per cell, setting and finding of every record below `folder`.

    Runs of a cell in which the same was found share a row. See `SETTING_ROW_COLUMNS`.

    Raises:
        UsageError: there are no results in this folder.
        RecordError: a record is unreadable or of another schema.
    """
    columns: dict[str, list[object]] = {name: [] for name in names(SETTING_ROW_COLUMNS)}
    for sweep in sweeps(folder):
        for row, runs in _counted(sweep).items():
            values = (sweep.matrix, sweep.machine, *row, runs)
            for column, value in zip(columns.values(), values, strict=True):
                column.append(value)
    return frame_of(columns, SETTING_ROW_COLUMNS)


def grouped(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of `by_setting` with cells left out: each finding once, with its runs and cells.

    What is not as asked comes first.
    """
    key = ["setting", "asked", "found", "state", "how"]
    groups = frame.groupby(key, sort=False, dropna=False)
    counted = groups.agg(runs=("runs", "sum"), cells=("cell", "size")).reset_index()
    order = {DIFFERS: 0, UNKNOWN: 1, AS_ASKED: 2, FREE: 3}
    ranked = counted.assign(rank=counted["state"].map(order))
    ordered: pd.DataFrame = ranked.sort_values("rank", kind="stable").drop(columns="rank")
    ordered.index = pd.RangeIndex(len(ordered))
    return ordered


def _counted(sweep: SweepFolder) -> Counter[_Row]:
    return Counter(row for record in sweep.records() for row in _rows(record))


def _rows(record: Record) -> Iterator[_Row]:
    if record.status == "unavailable":
        # It never had a process.
        return
    for setting, asked in _asked(record).items():
        found = found_in(record).get(setting)
        value = None if found is None else found.value
        how = found.how if found is not None else _NOT_READ if record.found else _NO_REPLY
        shown = None if value is None else _text(value)
        yield record.cell, setting, _text(asked), shown, _state(asked, value), how


def _asked(record: Record) -> dict[str, object]:
    """Versions, device and axes as asked of the run."""
    environment = record.environment
    versions: dict[str, object] = {
        "python": environment.python,
        "tensorflow": environment.tensorflow,
        "numpy": environment.numpy or DEFAULT,
        "keras": environment.keras or DEFAULT,
        "device": environment.device,
    }
    return {**versions, **asked_of(record)}


def _state(asked: object, found: object) -> str:
    if found is None:
        return UNKNOWN
    if asked in _OPEN:
        return FREE
    return AS_ASKED if found == asked or _is_part_of(found, asked) else DIFFERS


def _is_part_of(version: object, asked: object) -> bool:
    """Whether a version is one of those that a shorter one, as 1.26, asks for."""
    return isinstance(version, str) and isinstance(asked, str) and version.startswith(f"{asked}.")


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
