"""What the description of a bundle says of a run: read from its record, and where its files lie."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

from harness.results.record import Record

_UTC = datetime.timezone.utc
_ASKED = ("python", "tensorflow", "numpy", "keras")
_LONGEST = datetime.timedelta(days=3650)


@dataclass(frozen=True, kw_only=True)
class RecordedRun:
    """One run. Paths are those in the bundle; "" stands for what is not there or not known.

    `ended` is its start and the seconds that its process took. `error` is empty exactly where the
    run completed.
    """

    path: str
    files: tuple[str, ...]
    matrix_path: str
    lock_path: str
    script_path: str
    cell: str
    repeat: int
    machine: str
    status: str
    error: str
    started: datetime.datetime | None
    ended: datetime.datetime | None
    settings: str
    environment: str
    lock_sha256: str
    base: str
    engine: str
    code: str
    versions: tuple[tuple[str, str], ...]
    data_sha256: str
    script: str
    script_sha256: str


def of_record(record: Record, path: str, files: Sequence[str]) -> RecordedRun:
    """The run of a record that lies at `path`; `files` are what else it left.

    Where its lock, its matrix and its script lie is left open.
    """
    started = record.started_at
    script = record.script
    return RecordedRun(
        path=path,
        files=tuple(files),
        matrix_path="",
        lock_path="",
        script_path="",
        cell=record.cell,
        repeat=record.repeat,
        machine=record.machine,
        status=record.status,
        error=_error(record),
        started=started,
        ended=_end(started, record.seconds.get("process")),
        settings=_settings(record),
        environment=record.environment.id,
        lock_sha256=record.environment.lock_sha256,
        base=record.environment.base,
        engine=" ".join(record.engine.get(key, "") for key in ("name", "version")).strip(),
        code=record.code,
        versions=tuple(_versions(record).items()),
        data_sha256=record.measured.data_sha256 if record.measured else "",
        script="" if script is None else script.path or script.module,
        script_sha256="" if script is None else script.sha256,
    )


def _end(started: datetime.datetime | None, seconds: float | None) -> datetime.datetime | None:
    if started is None or seconds is None or not 0 <= seconds <= _LONGEST.total_seconds():
        return None
    try:
        return started + datetime.timedelta(seconds=seconds)
    except OverflowError:
        return None


def _error(record: Record) -> str:
    if record.status == "completed":
        return ""
    failure = record.failure
    message = f"{failure.type}: {failure.message}" if failure else record.reason
    return f"{record.status}: {message}" if message else record.status


def _settings(record: Record) -> str:
    return ", ".join(f"{name}={_value(value)}" for name, value in sorted(record.settings.items()))


def _value(value: str | int | dict[str, str]) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}={text}" for name, text in sorted(value.items())) + "}"
    return str(value)


def _versions(record: Record) -> dict[str, str]:
    """The versions found in the process, else those installed; as asked for where nothing ran."""
    environment, found = record.environment, record.process.get("versions")
    asked = {name: getattr(environment, name) for name in _ASKED}
    said = found if isinstance(found, dict) else {}
    harness = record.program.get("version")
    installed = {name: environment.packages.get(name) for name in asked}
    versions = {name: said.get(name) or installed[name] or asked[name] for name in asked}
    return {name: str(text) for name, text in {**versions, "harness": harness}.items() if text}
