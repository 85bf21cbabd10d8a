"""`job`: carry out a job that was made on another machine."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Annotated

import typer

from harness import places
from harness.cli import options, sweeps, wiring
from harness.cli.sweeps import Setting
from harness.engines import choice
from harness.engines.protocol import Engine
from harness.environments import targets
from harness.errors import IncompleteSweepError, UsageError
from harness.executors import job_events, progress
from harness.executors.run_processes import Limits
from harness.executors.this_machine import Tally, ThisMachine
from harness.matrix import legacy_keras, variables
from harness.protocol import job as jobs
from harness.protocol import untrusted
from harness.protocol.job import Job
from harness.results.store import Store
from harness.wording import counted

_BYTES = 256 << 20


def job(
    file: Annotated[
        Path, typer.Argument(metavar="JOB", help="A file with a job, or a list of jobs, as JSON.")
    ],
    engine: options.Engine = options.ENGINE,
    results: options.Results = options.RESULTS,
    trust_job: Annotated[
        bool,
        typer.Option("--trust-job", help="Let packages it chose run outside of a container."),
    ] = False,
    isolation: options.Isolation = options.IsolationChoice.auto,
    for_worker: Annotated[bool, typer.Option("--for-worker", hidden=True)] = False,
) -> None:
    """Carry out jobs that were made on another machine; the records name this one."""
    asked = _read(file)
    chosen, why = choice.choose(engine)
    options.engine_note(engine, chosen.name, why)
    outside = next(filter(None, (_runs_outside(each, chosen) for each in asked)), "")
    if outside and not trust_job:
        raise UsageError(f"{file}: this would {outside}; if you trust who made it, say --trust-job")
    machine = wiring.this_machine()
    store = Store(results, asked[0].matrix, machine.id)
    setting = Setting(
        engine=chosen,
        named=None,
        machine=machine,
        limits=Limits(timeout=asked[0].timeout_s, memory=asked[0].memory_bytes),
        isolation=isolation.value,
    )
    tally = Tally()
    total = sum(len(each.runs) for each in asked)
    locks = places.cache("cpus", platform.node() or "here") if for_worker else None
    with (
        sweeps.opened(store, machine),
        job_events.printed(store) if for_worker else progress.shown(total) as shown,
    ):
        context = sweeps.context(setting, store, cpu_locks=locks)
        ThisMachine(context, shown, tally).carry_out(asked)
    missing = sum(status != "completed" for status in tally.statuses.values())
    if missing:
        raise IncompleteSweepError(f"{missing} of {counted(total, 'run')} did not complete")


def _read(file: Path) -> list[Job]:
    """The jobs in a file, one or more; all are of one matrix."""
    try:
        content = json.loads(untrusted.read_regular(file, _BYTES, follow_links=True))
        several = content if isinstance(content, list) else [content]
        found = [jobs.from_json(one) for one in several]
        for job in found:
            _check_variables(job)
        if len({job.matrix for job in found}) != 1:
            raise ValueError("the jobs are of no matrix, or of several")
        return found
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    except json.JSONDecodeError as error:
        remedy = "harness makes jobs itself, for its workers; a matrix file is run by harness run"
        raise UsageError(f"{file}: is not JSON, so not a job", remedy=remedy) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"{file}: {error}; a job is made by harness of the same version"
        ) from error


def _check_variables(job: Job) -> None:
    """Refuse variables that the runs' settings do not ask for, or that no matrix may set.

    Raises:
        ValueError: there are some.
    """
    packages = job.environment["requirements"]
    for run in job.runs:
        free = run.settings.get("env")
        pairs = tuple(sorted(free.items())) if isinstance(free, dict) else ()
        settings = {name: v for name, v in run.settings.items() if not isinstance(v, dict)}
        refused = [name for name, _ in pairs if variables.refusal(name)]
        asked = legacy_keras.variables(packages, {**settings, "env": pairs})
        if refused or asked != dict(job.variables):
            raise ValueError(f"the variables are not those of the settings of {run.cell}")
        consents = [name for name, value in pairs if variables.needs_consent(name, value)]
        if set(consents) != set(job.consent):
            raise ValueError(f"it sets {', '.join(consents)}, and consents to something else")


def _runs_outside(job: Job, engine: Engine) -> str:
    """What of the packages that the job chose would run outside of any container, "" if nothing."""
    if not engine.contains:
        return "install and run its packages as you, in no container (--engine docker has one)"
    pins = [line for line in job.lock.splitlines() if line and not line.startswith("#")]
    sources = [line for line in pins if not targets.is_wheel(line)]
    if sources:
        names = ", ".join(line.split(" ")[0] for line in sources)
        return f"build {names} from source as you, in no container"
    return ""
