"""Runs that end early and leave a step instead of results: for studies, and never recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from harness.errors import IncompleteSweepError
from harness.executors import locks, requests, run_processes
from harness.executors.context import Context
from harness.executors.cpu_sets import cpus_for
from harness.executors.recording import environment_of
from harness.executors.run_processes import Ending, Limits
from harness.protocol import exchange, untrusted
from harness.protocol.job import Job
from harness.results import blobs
from harness.results.blobs import Arrays
from harness.runner import hashing
from harness.runner.trace import Watch


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What a watched run left: its trace, and the arrays of the step that was recorded whole."""

    trace: Arrays
    step: Arrays = field(default_factory=dict)


def carry_out(context: Context, job: Job, watch: Watch, state: Arrays | None = None) -> Watched:
    """Do the one run of a job up to the step that `watch` names; with `state`, from there.

    Raises:
        LockError, BuildError, DataError, EngineError: its environment cannot be had.
        IncompleteSweepError: the run did not get that far; the message says why.
    """
    (run,) = job.runs
    lock = locks.lock_of(job, context.store)
    image = context.engine.assemble(lock, context.logs / f"{environment_of(job).id}.build.log")
    asked = requests.request(context, job, run, lock, watch=watch, has_state=state is not None)
    cpus = context.cpus[: cpus_for(run.settings, len(context.cpus))]
    limits = Limits(timeout=job.timeout_s, memory=job.memory_bytes)
    give = partial(_give, state or {})
    with run_processes.fresh(
        requests.template(context, image, job), asked, cpus, limits, give=give
    ) as end:
        return _left(end, run.cell, watch)


def _give(state: Mapping[str, object], control: Path) -> None:
    if state:
        path = control / exchange.STATE
        hashing.write_arrays(str(path), list(state), list(state.values()))
        path.chmod(0o644)


def _left(ending: Ending, cell: str, watch: Watch) -> Watched:
    reply = ending.reply
    if reply is None or reply.status != exchange.COMPLETED or reply.watched is None:
        reason = ending.complaint or (reply.reason if reply else "") or ending.outcome.cause
        raise IncompleteSweepError(f"{cell}: step {watch.last} was not reached: {reason}")
    try:
        trace = _read(ending.folder / exchange.TRACE)
        step = _read(ending.folder / exchange.STEP) if watch.whole is not None else {}
    except (OSError, ValueError) as error:
        raise IncompleteSweepError(f"{cell}: what the run left cannot be read: {error}") from error
    return Watched(trace=trace, step=step)


def _read(path: Path) -> Arrays:
    with untrusted.open_regular(path) as file:
        return blobs.arrays_in(file)
