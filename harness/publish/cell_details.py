"""The details of every cell, in files that the page loads when somebody asks for one.

What many cells share (an environment, a machine, a setting as it was read) is stored once, in
`shared`; a cell has its number there.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import pandas as pd

from harness.analysis.axis_values import as_text
from harness.analysis.columns import BESIDE_WEIGHTS
from harness.analysis.merging import MergedResults
from harness.analysis.parameters import asked_of, found_in
from harness.publish.page_data import Json, Part
from harness.publish.sweep_sources import sources
from harness.results.record import Found, Measured, Record, ScriptPart

SHARD = 100
"""Cells per file: some hundred kilobytes."""

_RUN = (
    "repeat",
    "status",
    "reason",
    "weights_sha256",
    "init_sha256",
    "predictions_sha256",
    *(f"{name}_sha256" for name in BESIDE_WEIGHTS),
    "data_sha256",
    "loss",
    "value",
    "import_s",
    "fit_s",
    "total_s",
    "isolation",
    "audit",
)
"""The columns of a run, in the order in which the page reads them."""

_PROCESS = ("build", "mounts", "versions")


class Interned:
    """Values by number, each stored once."""

    def __init__(self) -> None:
        self.values: list[object] = []
        self._numbers: dict[Hashable, int] = {}

    def number(self, key: Hashable, value: object) -> int:
        """The number of a value; `key` is equal for equal values."""
        if key not in self._numbers:
            self._numbers[key] = len(self.values)
            self.values.append(value)
        return self._numbers[key]


class CellDetails:
    """Every cell's details. Records are read once, and only what the page shows stays in memory.

    `versions` are those of the program that wrote the records, `newest` is the last start of a run.
    """

    def __init__(self, merged: MergedResults) -> None:
        self.settings = Interned()
        self.environments = Interned()
        self.machines: dict[str, Json] = {}
        self.histories = Interned()
        self.tensors = Interned()
        self.processes = Interned()
        self.scripts = Interned()
        self.versions: set[str] = set()
        self.newest: datetime.datetime | None = None
        self._records: dict[tuple[str, str, str], dict[int, Json]] = {}
        for source in sources(merged):
            for record in source.sweep.records():
                key = (source.matrix, source.machine, record.cell)
                fields = self._records.setdefault(key, {})
                fields.setdefault(record.repeat, self._of_record(record))
                self._note_program(record)
                self.machines.setdefault(source.machine, dict(sorted(record.hardware.items())))
        planned = merged.runs[merged.runs["planned"]]
        self._runs = {
            key: rows.index
            for key, rows in planned.groupby(["matrix", "machine", "cell"], sort=False)
        }
        self._table = {name: planned[name] for name in _RUN}

    def _note_program(self, record: Record) -> None:
        started, version = record.started_at, record.program.get("version")
        if started is not None:
            self.newest = max(self.newest or started, started)
        if version:
            self.versions.add(version)

    def shared(self) -> Json:
        """What the details refer to by number."""
        return {
            "run": list(_RUN),
            "settings": self.settings.values,
            "environments": self.environments.values,
            "machines": dict(sorted(self.machines.items())),
            "tensors": self.tensors.values,
            "processes": self.processes.values,
            "histories": self.histories.values,
            "scripts": self.scripts.values,
        }

    def shards(self, parts: Sequence[Part]) -> Iterator[list[Json]]:
        """The details of all cells, `SHARD` at a time, in the order of the page."""
        shard: list[Json] = []
        for part in parts:
            for row in part.cells.itertuples(index=False):
                shard.append(self._of_cell((str(row.matrix), str(row.machine), str(row.cell))))
                if len(shard) == SHARD:
                    yield shard
                    shard = []
        if shard:
            yield shard

    def history(self, matrix: str, machine: str, cell: str) -> dict[int, int]:
        """The number of the history of each completed run of a cell."""
        records = self._records.get((matrix, machine, cell), {})
        return {
            repeat: fields["history"]
            for repeat, fields in sorted(records.items())
            if fields["status"] == "completed" and fields["history"] is not None
        }

    def _of_cell(self, key: tuple[str, str, str]) -> Json:
        rows = self._runs[key]
        runs = [[_plain(self._table[name][row]) for name in _RUN] for row in rows]
        records = self._records.get(key, {})
        fields = {str(run[0]): records[run[0]] for run in runs if run[0] in records and run[1]}
        return {
            "matrix": key[0],
            "machine": key[1],
            "cell": key[2],
            "runs": runs,
            "records": fields,
        }

    def _of_record(self, record: Record) -> Json:
        measured = record.measured
        fields: Json = {
            "status": record.status,
            "settings": list(self._settings(record)),
            "environment": self._environment(record),
            "process": self._process(record),
            "started": record.started,
            "code": record.code_sha256,
            "history": self._history(measured) if measured else None,
            "tensors": self._tensors(measured) if measured else None,
        }
        if measured:
            fields["metric"], fields["parameters"] = measured.metric, measured.parameters
        if record.script:
            fields["script"] = self._script(record.script)
        if record.failure:
            fields["failure"] = record.failure.model_dump()
        return fields

    def _settings(self, record: Record) -> Iterator[int]:
        asked = {**asked_of(record), "device": record.environment.device}
        found = found_in(record)
        for name in sorted({*asked, *found} - {"workload"}):
            row = _setting(name, asked.get(name), found.get(name))
            yield self.settings.number(row, list(row))

    def _environment(self, record: Record) -> int:
        environment = record.environment.model_dump()
        fields = {**environment, "engine": record.engine}
        return self.environments.number(repr(fields), fields)

    def _process(self, record: Record) -> int:
        fields = {name: record.process[name] for name in _PROCESS if name in record.process}
        return self.processes.number(repr(fields), fields)

    def _script(self, script: ScriptPart) -> int:
        fields = script.model_dump()
        calls = [{**call, "value": as_text(call["value"])} for call in fields["calls"]]
        return self.scripts.number(repr(fields), {**fields, "calls": calls})

    def _history(self, measured: Measured) -> int | None:
        histories = _histories(measured)
        fields = {name: [_number(text) for text in values] for name, values in histories.items()}
        return self.histories.number(repr(fields), fields) if fields else None

    def _tensors(self, measured: Measured) -> int:
        rows = [
            [tensor.name, list(tensor.shape), tensor.dtype, tensor.init_sha256, tensor.sha256]
            for tensor in measured.tensors
        ]
        return self.tensors.number((measured.weights_sha256, measured.init_sha256), rows)


def _setting(name: str, asked: object, found: Found | None) -> tuple[str, str, str | None, str]:
    value = None if found is None or found.value is None else _in_words(found.value)
    return name, _in_words(asked), value, found.how if found else "nothing was read back"


def _histories(measured: Measured) -> dict[str, tuple[str, ...]]:
    """The history; of a script with several fits those of all, with the fit in their names."""
    fits = [fit for fit in measured.fits if fit.history]
    if len(fits) < 2:
        return dict(fits[0].history if fits else measured.history)
    return {
        f"{name} ({' '.join([f'model {fit.model}, fit {fit.fit}', fit.process]).rstrip()})": values
        for fit in fits
        for name, values in fit.history.items()
    }


def _in_words(value: object) -> str:
    return "—" if value is None else as_text(value) or "none"


def _number(text: str) -> float | str:
    """An exact number; what JSON has no number for stays as it was written."""
    try:
        value = float.fromhex(text)
    except (ValueError, OverflowError):
        return text
    return value if math.isfinite(value) else str(value)


def _plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return int(value) if isinstance(value, int) or hasattr(value, "__index__") else str(value)
