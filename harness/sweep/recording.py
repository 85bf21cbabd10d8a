"""From how a run ended to its record."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.engines import outcomes
from harness.engines.protocol import Outcome
from harness.environments.lock import Lock
from harness.matrix.cells import Cell
from harness.protocol import exchange
from harness.protocol.axes import to_json
from harness.results.record import SCHEMA, EnvironmentPart, Failure, Record
from harness.sweep import attestation
from harness.sweep.processes import Ending, Limits, Place
from harness.sweep.replies import Reply, ReplyError


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
    verdict = _verdict(ending, limits)
    reply = ending.reply
    known: dict[str, Any] = {}
    if reply is not None:
        known = {"found": reply.found, "measured": reply.measured}
    return _record(
        origin,
        run,
        started,
        status=verdict.status,
        reason=verdict.reason,
        environment=_environment(run, place, reply),
        process={**_process(place, ending, limits), "audit": audited},
        failure=verdict.failure,
        seconds={**(reply.seconds if reply else {}), "process": ending.outcome.seconds},
        **known,
    )


def without_results(record: Record, reason: str) -> Record:
    """The record of a run whose arrays are not what its reply says."""
    failure = Failure(type="invalid results", message=reason)
    changes = {"status": "failed", "reason": reason, "measured": None, "failure": failure}
    return record.model_copy(update=changes)


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
        failure=Failure(type="unavailable", message=reason),
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


def _environment(run: Run, place: Place, reply: Reply | None) -> EnvironmentPart:
    image = place.image
    packages = reply.packages if reply else {}
    return _asked(run, image.lock, image=image.id, base=image.base, packages=packages)


def _process(place: Place, ending: Ending, limits: Limits) -> dict[str, Any]:
    told = {"versions", "build", "devices", "cpu_flags", "glibc", "confined"}
    return {
        "isolation": ending.isolation,
        "cpus": list(ending.cpus),
        "timeout_s": limits.timeout,
        "memory_bytes": limits.memory,
        "variables": dict(place.variables),
        "exit_code": ending.outcome.exit_code,
        **(ending.reply.model_dump(include=told) if ending.reply else {}),
    }


def _verdict(ending: Ending, limits: Limits) -> _Verdict:
    outcome, reply = ending.outcome, ending.reply
    if outcome.cause != "exited":
        reason = _cause_in_words(outcome, limits)
        failure = Failure(type=outcome.cause, message=reason, log=ending.log)
        return _Verdict(status=outcome.cause, reason=reason, failure=failure)
    if reply is None:
        reason = ending.complaint or _exit_in_words(outcome.exit_code)
        cause = outcomes.cause(outcome.exit_code)
        return _Verdict(
            status="failed" if cause == "exited" else cause,
            reason=reason,
            failure=Failure(type=cause, message=reason, log=ending.log),
        )
    told = attestation.differences(reply.found, ending.cpus)
    if reply.status == exchange.COMPLETED and told:
        reason = "; ".join(told)
        failure = Failure(type=exchange.INVALID, message=reason, log=ending.log)
        return _Verdict(status=exchange.INVALID, reason=reason, failure=failure)
    if reply.status == exchange.COMPLETED:
        return _Verdict(status=reply.status, reason="")
    error = reply.error or ReplyError(type=reply.status, message=reply.reason)
    failure = Failure(**error.model_dump(), log=ending.log)
    return _Verdict(status=reply.status, reason=reply.reason, failure=failure)


def _cause_in_words(outcome: Outcome, limits: Limits) -> str:
    if outcome.reason:
        return outcome.reason
    if outcome.cause == "timeout":
        return f"still running after {limits.timeout:g} s"
    if outcome.cause == "out_of_memory":
        return f"needed more than {limits.memory / 2**30:.1f} GiB"
    return _FROM_OUTSIDE


_FROM_OUTSIDE = "a signal from outside ended the process"


def _exit_in_words(code: int) -> str:
    if code >= 0:
        return f"the process ended with status {code} and left no reply"
    if outcomes.cause(code) == "killed":
        return _FROM_OUTSIDE
    known = -code in signal.valid_signals()
    return f"the process crashed with {signal.Signals(-code).name if known else f'signal {-code}'}"
