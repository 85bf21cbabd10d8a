"""From how a run ended to its record."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from harness.engines.protocol import Outcome
from harness.environments.lock import Lock
from harness.matrix.axes import to_json
from harness.matrix.cells import Cell
from harness.results.record import SCHEMA, EnvironmentPart, Failure, Found, Measured, Record
from harness.runner import exchange
from harness.sweep.processes import Ending, Limits, Place

_FROM_ELSEWHERE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True, kw_only=True)
class Run:
    """One repeat of a cell."""

    cell: Cell
    repeat: int


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What every record of a sweep shares. `started` in a record is UTC in ISO format."""

    matrix: str
    machine: str
    hardware: Mapping[str, Any]
    engine: Mapping[str, str]
    runner_sha256: str


@dataclass(frozen=True, kw_only=True)
class _Verdict:
    status: str
    reason: str
    failure: Failure | None = None


def of_ending(
    origin: Origin,
    run: Run,
    place: Place,
    ending: Ending,
    limits: Limits,
    *,
    started: str,
    audited: str,
) -> Record:
    """The record of a run that had a process; `audited` says what is known about forking there."""
    reply = ending.reply()
    measured, complaint = _measured(reply)
    verdict = _verdict(ending, reply, complaint, limits)
    reply = reply or {}
    return _record(
        origin,
        run,
        started,
        status=verdict.status,
        reason=verdict.reason,
        environment=_environment(run, place, reply),
        found={name: Found(**part) for name, part in reply.get("found", {}).items()},
        process={**_process(place, ending, limits, reply), "audit": audited},
        measured=measured,
        failure=verdict.failure,
        seconds={**reply.get("seconds", {}), "process": ending.outcome.seconds},
    )


def of_unavailable(
    origin: Origin, run: Run, lock: Lock | None, reason: str, started: str
) -> Record:
    """The record of a run that never got a process: its environment, image or data is missing."""
    return _record(
        origin,
        run,
        started,
        status="unavailable",
        reason=reason,
        environment=_asked(run, lock, image="", base=""),
    )


def _record(origin: Origin, run: Run, started: str, **parts: Any) -> Record:
    return Record(
        schema=SCHEMA,
        matrix=origin.matrix,
        machine=origin.machine,
        cell=run.cell.id,
        repeat=run.repeat,
        engine=dict(origin.engine),
        settings={name: to_json(value) for name, value in run.cell.settings.items()},
        hardware=dict(origin.hardware),
        runner_sha256=origin.runner_sha256,
        started=started,
        **parts,
    )


def _asked(
    run: Run, lock: Lock | None, *, image: str, base: str, packages: dict[str, str] | None = None
) -> EnvironmentPart:
    environment = run.cell.environment
    return EnvironmentPart(
        id=environment.id,
        python=environment.python,
        tensorflow=environment.tensorflow,
        numpy=environment.numpy,
        keras=environment.keras,
        device=environment.device,
        lock_sha256=lock.sha256 if lock is not None else "",
        image=image,
        base=base,
        packages=packages or {},
    )


def _environment(run: Run, place: Place, reply: Mapping[str, Any]) -> EnvironmentPart:
    image = place.image
    packages = reply.get("packages", {})
    return _asked(run, image.lock, image=image.id, base=image.base, packages=packages)


def _process(
    place: Place, ending: Ending, limits: Limits, reply: Mapping[str, Any]
) -> dict[str, Any]:
    told = ("versions", "build", "devices", "cpu_flags", "glibc")
    return {
        "isolation": ending.isolation,
        "cpus": list(ending.cpus),
        "timeout_s": limits.timeout,
        "memory_bytes": limits.memory,
        "variables": dict(place.variables),
        "exit_code": ending.outcome.exit_code,
        **{name: reply[name] for name in told if name in reply},
    }


def _measured(reply: Mapping[str, Any] | None) -> tuple[Measured | None, str]:
    """What the reply measured, or why it cannot be read. A reply is foreign bytes."""
    if reply is None or "weights_sha256" not in reply:
        return None, ""
    try:
        fields = {name: reply.get(name) for name in Measured.model_fields}
        return Measured.model_validate(fields), ""
    except ValidationError as error:
        return None, f"the runner's reply is not valid: {error.errors()[0]['msg']}"


def _verdict(
    ending: Ending, reply: Mapping[str, Any] | None, complaint: str, limits: Limits
) -> _Verdict:
    outcome = ending.outcome
    if outcome.cause != "exited":
        return _Verdict(
            status=outcome.cause,
            reason=_cause_in_words(outcome, limits),
            failure=Failure(type=outcome.cause, message="", log=ending.log),
        )
    if reply is None or complaint:
        reason = complaint or _exit_in_words(outcome.exit_code)
        status = "killed" if -outcome.exit_code in _FROM_ELSEWHERE else "failed"
        return _Verdict(
            status=status,
            reason=reason,
            failure=Failure(type="no reply", message=reason, log=ending.log),
        )
    return _replied(reply, ending)


def _replied(reply: Mapping[str, Any], ending: Ending) -> _Verdict:
    status = str(reply.get("status"))
    error = reply.get("error")
    failure = Failure(**error, log=ending.log) if error else None
    if status == exchange.COMPLETED:
        return _Verdict(status=status, reason="")
    return _Verdict(status=status, reason=str(reply.get("reason", "")), failure=failure)


def _cause_in_words(outcome: Outcome, limits: Limits) -> str:
    if outcome.cause == "timeout":
        return f"still running after {limits.timeout:g} s"
    if outcome.cause == "out_of_memory":
        return f"needed more than {limits.memory / 2**30:.1f} GiB"
    return "a signal from outside ended the process"


def _exit_in_words(code: int) -> str:
    if code < 0:
        return f"the process crashed with {signal.Signals(-code).name}"
    return f"the process ended with status {code} and left no reply"
