"""The run table: a results folder as a DataFrame."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from harness.analysis.columns import AXIS_NAMES, RUN_COLUMNS, frame_of, names
from harness.errors import RecordError
from harness.matrix.axes import BY_NAME, to_json
from harness.matrix.environment import Environment
from harness.results.plan_file import PlannedCell
from harness.results.record import Measured, Record
from harness.results.scan import SweepFolder, sweeps

Row = dict[str, object]

_NAMES = names(RUN_COLUMNS)
_DEFAULTS = {name: to_json(BY_NAME[name].default) for name in (*AXIS_NAMES, "workload")}
_NATIVE = BY_NAME["isa"].default
_TENSORFLOW_PACKAGES = ("tensorflow", "tensorflow-cpu")


def runs(folder: str | Path) -> pd.DataFrame:
    """One row per planned cell and repeat of every sweep below `folder`; see `RUN_COLUMNS`.

    Sorted by matrix and machine, then in the order of the matrix. Records that no plan asks for
    come last in their sweep, with `planned` False; so do records of cells that the plan by now
    excludes or cannot run, which have their planned row as well.

    Raises:
        UsageError: there are no results in this folder.
        RecordError: a record or a plan is unreadable or of another schema.
    """
    columns: dict[str, list[object]] = {name: [] for name in _NAMES}
    for sweep in sweeps(folder):
        for row in _rows(sweep):
            for name, values in columns.items():
                values.append(row.get(name))
    return frame_of(columns, RUN_COLUMNS)


def _rows(sweep: SweepFolder) -> Iterator[Row]:
    """The rows of one sweep. The folders name matrix and machine, whoever made the records."""
    place: Row = {"matrix": sweep.matrix, "machine": sweep.machine}
    recorded = {(row["cell"], row["repeat"]): row for row in _recorded(sweep)}
    plan = sweep.plan()
    if plan is not None:
        header, cells = plan
        for cell in cells:
            asked = _of_plan(cell, header.defaults)
            for repeat in range(1, header.repeats + 1):
                # What the plan says will not run is answered by the plan: a record is an older one.
                found = None if cell.status else recorded.pop((cell.id, repeat), None)
                yield {**(found or {**asked, "repeat": repeat}), **place, "planned": True}
    for row in recorded.values():
        yield {**row, **place, "planned": False}


def _recorded(sweep: SweepFolder) -> Iterator[Row]:
    for record in sweep.records():
        try:
            yield _of_record(record)
        except (ValueError, OverflowError) as error:
            path = sweep.folder / record.cell / f"{record.repeat}.json"
            raise RecordError(
                f"{path}: a loss or metric is no number in hexadecimal ({error}); "
                "move the file out of the folder, and harness run makes it again"
            ) from error


def _of_plan(cell: PlannedCell, defaults: Mapping[str, Any]) -> Row:
    return {
        "cell": cell.id,
        "status": cell.status or "pending",
        "reason": cell.reason,
        **_of_environment(cell.environment),
        **_of_settings({**defaults, **cell.settings}),
    }


def _of_environment(environment: Environment) -> Row:
    return {
        name: getattr(environment, name)
        for name in ("python", "tensorflow", "keras", "numpy", "device")
    }


def _of_settings(settings: Mapping[str, Any]) -> Row:
    """The axes as text; one that was not known yet when this was written has its default."""
    values = {name: settings.get(name, default) for name, default in _DEFAULTS.items()}
    told: Row = {name: _text(value) for name, value in values.items()}
    return {**told, "emulated": values["isa"] != _NATIVE}


def _text(value: object) -> str:
    """The value as in the matrix; variables as `A=1 B=2`, sorted by name."""
    if isinstance(value, dict):
        return " ".join(f"{name}={value[name]}" for name in sorted(value))
    return str(value)


def _of_record(record: Record) -> Row:
    environment = record.environment
    return {
        "cell": record.cell,
        "repeat": record.repeat,
        "status": record.status,
        "reason": record.reason,
        "engine": record.engine.get("name"),
        "python": environment.python,
        "device": environment.device,
        **_versions(record),
        **_of_settings(record.settings),
        **(_of_measured(record.measured) if record.measured else {}),
        **{f"{name}_s": record.seconds.get(name) for name in ("import", "fit", "total")},
        "image": environment.image or None,
        "lock_sha256": environment.lock_sha256 or None,
        "runner_sha256": record.runner_sha256,
        "found_threads": _found(record, "threads"),
        "found_onednn": _found(record, "onednn"),
        "isolation": _of_process(record, "isolation"),
        "audit": _of_process(record, "audit"),
    }


def _versions(record: Record) -> Row:
    """As the process saw them, else as installed, else as asked."""
    environment, packages = record.environment, record.environment.packages
    seen = record.process.get("versions")
    told = seen if isinstance(seen, dict) else {}
    installed = (packages[name] for name in _TENSORFLOW_PACKAGES if name in packages)
    return {
        "tensorflow": told.get("tensorflow") or next(installed, environment.tensorflow),
        "keras": told.get("keras") or packages.get("keras", environment.keras),
        "numpy": told.get("numpy") or packages.get("numpy", environment.numpy),
    }


def _of_measured(measured: Measured) -> Row:
    return {
        "data_sha256": measured.data_sha256,
        "init_sha256": measured.init_sha256,
        "weights_sha256": measured.weights_sha256,
        "predictions_sha256": measured.predictions_sha256,
        "loss": float.fromhex(measured.loss),
        "metric": measured.metric,
        "value": float.fromhex(measured.value),
    }


def _of_process(record: Record, name: str) -> str | None:
    """What a record says in words about its process; None where it had none or does not say."""
    told = record.process.get(name)
    return told if isinstance(told, str) else None


def _found(record: Record, axis: str) -> str | None:
    """A setting as read back; None where it was not."""
    found = record.found.get(axis)
    if found is None or found.value is None:
        return None
    return found.value if isinstance(found.value, str) else json.dumps(found.value, sort_keys=True)
