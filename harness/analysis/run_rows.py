"""The rows of the run table: what a planned cell asks for, and what a record says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from harness.analysis import parameters
from harness.analysis.axis_values import as_text
from harness.analysis.columns import AXIS_NAMES
from harness.analysis.metric_units import recorded
from harness.matrix.environment import Environment
from harness.protocol.axes import BY_NAME, to_json
from harness.results import digests
from harness.results.consistency import TENSORFLOW_PACKAGES
from harness.results.plan_file import PlannedCell
from harness.results.record import AuditPart, Call, Measured, Record, ScriptPart

Row = dict[str, object]

_NAMES = (*AXIS_NAMES, "workload")
_DEFAULTS = {name: to_json(BY_NAME[name].default) for name in _NAMES}
_LEFT = {name: to_json(BY_NAME[name].script_default) for name in _NAMES}
_NATIVE = BY_NAME["isa"].default
_SECONDS = ("import", "fit", "total", "fit_cpu")


_DEFAULT_TEXTS = {name: as_text(value) for name, value in _DEFAULTS.items()}


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
    versions = {
        name: getattr(environment, name)
        for name in ("python", "tensorflow", "keras", "numpy", "device")
    }
    return {**versions, "requirements": " ".join(environment.requirements)}


def _of_settings(settings: Mapping[str, Any], cpus: int | None) -> Row:
    """The axes as text; one that did not exist yet when this was written has its default.

    `cpus` is how many the machine has, None where that is not known.
    """
    texts = {name: as_text(value) for name, value in settings.items() if name in _DEFAULTS}
    emulated = _is_emulated({**_DEFAULTS, **settings}, cpus)
    own = parameters.as_json(settings.get(parameters.TOGETHER.name))
    return {**_DEFAULT_TEXTS, **texts, parameters.TOGETHER.name: own, "emulated": emulated}


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
        "requirements": " ".join(environment.requirements),
        **_versions(record),
        **_of_settings({**_LEFT, **record.settings} if record.script else record.settings, cpus),
        **(_of_measured(record.measured) if record.measured else {}),
        **_seconds(record),
        "started": record.started,
        "image": environment.image or None,
        "lock_sha256": environment.lock_sha256 or None,
        "code_sha256": record.code,
        **_found(record),
        "isolation": _text_or_none(record.process.get("isolation")),
        **_audit(record.audit),
        **(_of_script(record.script) if record.script else {}),
    }


def _seconds(record: Record) -> Row:
    seconds: Row = {f"{name}_s": record.seconds.get(name) for name in _SECONDS}
    # A forked run finds TensorFlow imported: its zero is no measurement.
    forked = record.process.get("isolation") == "forked"
    return {**seconds, "import_s": math.nan} if forked else seconds


def _versions(record: Record) -> Row:
    """As the process saw them, else as installed, else as asked."""
    environment, packages = record.environment, record.environment.packages
    versions = record.process.get("versions")
    claimed = versions if isinstance(versions, dict) else {}
    imported = {name: version for name, version in claimed.items() if isinstance(version, str)}
    installed = (packages[name] for name in TENSORFLOW_PACKAGES if name in packages)
    return {
        "tensorflow": imported.get("tensorflow") or next(installed, environment.tensorflow),
        "keras": imported.get("keras") or packages.get("keras", environment.keras),
        "numpy": imported.get("numpy") or packages.get("numpy", environment.numpy),
    }


def _of_measured(measured: Measured) -> Row:
    return {
        "data_sha256": measured.data_sha256,
        "init_sha256": _init_sha256(measured),
        "weights_sha256": measured.weights_sha256 if measured.tensors else None,
        "predictions_sha256": measured.predictions_sha256 or None,
        "history_sha256": digests.history_sha256(measured),
        "outputs_sha256": digests.outputs_sha256(measured),
        "files_sha256": digests.files_sha256(measured),
        "printed_sha256": measured.printed_sha256,
        "trace_sha256": measured.trace_sha256 or None,
        "loss": _number(measured.loss),
        "metric": measured.metric,
        "value": _number(measured.value),
        **dict(zip(("prediction_unit", "prediction_scale"), recorded(measured), strict=True)),
    }


def _init_sha256(measured: Measured) -> str | None:
    """None where no tensor is known from before the training: no two such starts are equal."""
    known = any(tensor.init_sha256 for tensor in measured.tensors)
    return measured.init_sha256 if known else None


def _of_script(script: ScriptPart) -> Row:
    return {
        "script": script.path or script.module,
        "script_sha256": script.sha256,
        "set_by_script": set_by_script(script),
        "working_folder": "kept" if script.keeps_folder else "fresh",
    }


def set_by_script(script: ScriptPart) -> str:
    """`threads=3 (train.py:4), determinism=on late (train.py:9)`: each once."""
    return ", ".join(dict.fromkeys(_call(call) for call in script.calls))


def _call(call: Call) -> str:
    effect = "" if call.effect == "applied" else f" {call.effect}"
    return f"{call.setting}={as_text(call.value)}{effect} ({call.place})"


def _number(text: str | None) -> float:
    return math.nan if text is None else float.fromhex(text)


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _audit(audit: AuditPart | None) -> Row:
    return {
        "audit": audit.sentence if audit else None,
        "audit_state": audit.state if audit else None,
    }


def _found(record: Record) -> Row:
    """The axes as read back; nothing for what was not."""
    values = {name: found.value for name, found in record.found.items()}
    return {f"found_{name}": as_text(value) for name, value in values.items() if value is not None}
