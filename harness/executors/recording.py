"""From how a run ended to its record."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import harness
from harness.engines import outcomes
from harness.engines.protocol import Outcome
from harness.executors import settings_check, stored_scripts
from harness.executors.code_identity import code_sha256
from harness.executors.replies import Reply, ReplyError
from harness.executors.run_processes import Ending, ProcessTemplate
from harness.matrix.environment import Environment
from harness.protocol import exchange
from harness.protocol import script as scripts
from harness.protocol.job import Job, Run
from harness.results.record import (
    SCHEMA,
    AuditPart,
    EnvironmentPart,
    Failure,
    Record,
    ScriptPart,
)


@dataclass(frozen=True, kw_only=True)
class MachineAndEngine:
    """What the records of a job share; `started` in a record is UTC in ISO format."""

    machine: str
    hardware: Mapping[str, Any]
    engine: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class _Result:
    status: str
    reason: str
    failure: Failure | None = None


def of_ending(
    made_on: MachineAndEngine,
    job: Job,
    run: Run,
    template: ProcessTemplate,
    ending: Ending,
    *,
    started: str,
    audit: AuditPart,
) -> Record:
    """The record of a run that had a process; `audit` says what is known about forking there."""
    result = _result(ending, job)
    reply = ending.reply
    image = template.image
    return _record(
        made_on,
        job,
        run,
        started,
        reply,
        status=result.status,
        reason=result.reason,
        environment=_environment(
            job, image=image.id, base=image.base, packages=reply.packages if reply else {}
        ),
        process=_process(job, ending),
        audit=audit,
        failure=result.failure,
        seconds={**(reply.seconds if reply else {}), "process": ending.outcome.seconds},
        **({"found": reply.found, "measured": reply.measured} if reply else {}),
    )


def without_results(record: Record, reason: str) -> Record:
    """The record of a run whose arrays are not what its reply says."""
    failure = Failure(type="invalid results", message=reason)
    changes = {"status": "failed", "reason": reason, "measured": None, "failure": failure}
    return record.model_copy(update=changes)


def of_unavailable(
    made_on: MachineAndEngine, job: Job, run: Run, reason: str, started: str
) -> Record:
    """The record of a run that never got a process: its environment, image or data is missing."""
    return _record(
        made_on,
        job,
        run,
        started,
        status="unavailable",
        reason=reason,
        environment=_environment(job, image="", base="", packages={}),
        failure=Failure(type="unavailable", message=reason),
    )


def of_killed(made_on: MachineAndEngine, job: Job, run: Run, reason: str, started: str) -> Record:
    """The record of a run that was under way when the machine that carried it out was lost."""
    return _record(
        made_on,
        job,
        run,
        started,
        status="killed",
        reason=reason,
        environment=_environment(job, image="", base="", packages={}),
        failure=Failure(type="killed", message=reason),
    )


def _record(
    made_on: MachineAndEngine,
    job: Job,
    run: Run,
    started: str,
    reply: Reply | None = None,
    **parts: Any,
) -> Record:
    return Record(
        schema=SCHEMA,
        matrix=job.matrix,
        machine=made_on.machine,
        cell=run.cell,
        repeat=run.repeat,
        engine=dict(made_on.engine),
        settings=dict(run.settings),
        hardware=dict(made_on.hardware),
        consent=job.consent,
        script=_script(job, run, reply),
        program={"version": harness.__version__},
        code_sha256=code_sha256(run.workload, run.settings),
        started=started,
        **parts,
    )


def _script(job: Job, run: Run, reply: Reply | None) -> ScriptPart | None:
    """The user's script that was run, None for a reference workload."""
    script = job.scripts.get(run.workload)
    if script is None:
        return None
    left = reply.script if reply else None
    return ScriptPart(
        sha256=script.sha256,
        path=script.path,
        module=script.module,
        folder_sha256=script.folder_sha256,
        arguments=left.arguments if left else tuple(scripts.filled(script, run.settings)),
        data={each.target: each.sha256 for each in script.data},
        keeps_folder=script.keeps_folder,
        template=script.arguments,
        files=script.files,
        hold=script.hold,
        is_stored=stored_scripts.is_stored(script),
        calls=left.calls if left else (),
        connections=left.connections if left else (),
        unobserved=left.unobserved if left else "",
        written=left.written if left else {},
    )


def _environment(job: Job, *, image: str, base: str, packages: dict[str, str]) -> EnvironmentPart:
    environment = environment_of(job)
    return EnvironmentPart(
        id=environment.id,
        python=environment.python,
        tensorflow=environment.tensorflow,
        numpy=environment.numpy,
        keras=environment.keras,
        device=environment.device,
        lock_sha256=job.lock_sha256,
        image=image,
        base=base,
        packages=packages,
        requirements=environment.requirements,
    )


def environment_of(job: Job) -> Environment:
    """The environment that a job needs, as a value."""
    return Environment(**job.environment)


def _process(job: Job, ending: Ending) -> dict[str, Any]:
    replied = {"versions", "build", "devices", "cpu_flags", "glibc", "confined"}
    return {
        "isolation": ending.isolation,
        "cpus": list(ending.cpus),
        "timeout_s": job.timeout_s,
        "memory_bytes": job.memory_bytes,
        "variables": dict(job.variables),
        "exit_code": ending.outcome.exit_code,
        **(ending.reply.model_dump(include=replied) if ending.reply else {}),
    }


def _result(ending: Ending, job: Job) -> _Result:
    outcome, reply = ending.outcome, ending.reply
    if outcome.cause != "exited":
        reason = _reason(outcome, job)
        failure = Failure(type=outcome.cause, message=reason, log=ending.log)
        return _Result(status=outcome.cause, reason=reason, failure=failure)
    if reply is None:
        reason = ending.complaint or _reason_of_exit(outcome.exit_code)
        cause = outcomes.cause(outcome.exit_code)
        return _Result(
            status="failed" if cause == "exited" else cause,
            reason=reason,
            failure=Failure(type=cause, message=reason, log=ending.log),
        )
    if reply.status == exchange.COMPLETED and outcome.exit_code:
        reason = f"the process ended with status {outcome.exit_code} after its reply"
        failure = Failure(type="exited", message=reason, log=ending.log)
        return _Result(status="failed", reason=reason, failure=failure)
    mismatches = settings_check.mismatches(reply.found, ending.cpus)
    if reply.status == exchange.COMPLETED and mismatches:
        reason = "; ".join(mismatches)
        failure = Failure(type=exchange.INVALID, message=reason, log=ending.log)
        return _Result(status=exchange.INVALID, reason=reason, failure=failure)
    if reply.status == exchange.COMPLETED:
        return _Result(status=reply.status, reason="")
    error = reply.error or ReplyError(type=reply.status, message=reply.reason)
    failure = Failure(**error.model_dump(), log=ending.log)
    return _Result(status=reply.status, reason=reply.reason, failure=failure)


def _reason(outcome: Outcome, job: Job) -> str:
    if outcome.reason:
        return outcome.reason
    if outcome.cause == "timeout":
        return f"still running after {job.timeout_s:g} s"
    if outcome.cause == "out_of_memory":
        return f"needed more than {job.memory_bytes / 2**30:.1f} GiB"
    return _FROM_OUTSIDE


_FROM_OUTSIDE = "a signal from outside ended the process"


def _reason_of_exit(code: int) -> str:
    if code >= 0:
        return f"the process ended with status {code} and left no reply"
    if outcomes.cause(code) == "killed":
        return _FROM_OUTSIDE
    has_name = -code in signal.valid_signals()
    name = signal.Signals(-code).name if has_name else f"signal {-code}"
    return f"the process crashed with {name}"
