"""The rows of the run table: what a planned cell asks for, and what a record says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.analysis.columns import AXIS_NAMES
from harness.matrix.environment import Environment
from harness.protocol.axes import BY_NAME, to_json
from harness.results.plan_file import PlannedCell
from harness.results.record import Measured, Record

Row = dict[str, object]

_DEFAULTS = {name: to_json(BY_NAME[name].default) for name in (*AXIS_NAMES, "workload")}
_NATIVE = BY_NAME["isa"].default
_TENSORFLOW_PACKAGES = ("tensorflow", "tensorflow-cpu")


def _text(value: object) -> str:
    """The value as in the matrix; variables as `A=1 B=2`, sorted by name."""
    if isinstance(value, dict):
        return " ".join(f"{name}={value[name]}" for name in sorted(value))
    return str(value)


_DEFAULT_TEXTS = {name: _text(value) for name, value in _DEFAULTS.items()}


def of_plan(cell: PlannedCell, defaults: Mapping[str, Any], cpus: int | None) -> Row:
    """The row of a planned cell, whatever the repeat; `cpus` is how many the machine has."""
    return {
        "cell": cell.id,
        "status": cell.status or "pending",
        "reason": cell.reason,
        **_of_environment(cell.environment),
        **_of_settings({**defaults, **cell.settings}, cpus),
    }


def _of_environment(environment: Environment) -> Row:
    return {
        name: getattr(environment, name)
        for name in ("python", "tensorflow", "keras", "numpy", "device")
    }


def _of_settings(settings: Mapping[str, Any], cpus: int | None) -> Row:
    """The axes as text; one that was not known yet when this was written has its default.

    `cpus` is how many the machine has, None where that is not known.
    """
    told: Row = dict(_DEFAULT_TEXTS)
    for name, value in settings.items():
        if name in told:
            told[name] = _text(value)
    return {**told, "emulated": _is_emulated({**_DEFAULTS, **settings}, cpus)}


def _is_emulated(values: Mapping[str, Any], cpus: int | None) -> bool:
    """Whether the cell imitates a smaller CPU than the machine has, or may have."""
    asked = values["cpus"]
    fewer = isinstance(asked, int) and (cpus is None or asked < cpus)
    return bool(values["isa"] != _NATIVE or fewer)


def of_record(record: Record, cpus: int | None) -> Row:
    """The row of a record.

    Raises:
        ValueError, OverflowError: a loss or metric is no number in hexadecimal.
    """
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
        **_of_settings(record.settings, cpus),
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
    claimed = seen if isinstance(seen, dict) else {}
    told = {name: version for name, version in claimed.items() if isinstance(version, str)}
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
