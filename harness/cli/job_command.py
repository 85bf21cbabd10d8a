"""`job`: carry out a job that was made on another machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from harness import console
from harness.cli import options, sweeps, wiring
from harness.cli.sweeps import Setting
from harness.engines import choice
from harness.errors import IncompleteSweepError, UsageError
from harness.executors import progress
from harness.executors.run_processes import Limits
from harness.executors.this_machine import Tally, ThisMachine
from harness.protocol import job as jobs
from harness.protocol import untrusted
from harness.protocol.job import Job
from harness.results.store import Store

_BYTES = 256 << 20


def job(
    file: Annotated[Path, typer.Argument(metavar="JOB", help="A file with a job as JSON.")],
    engine: options.Engine = options.ENGINE,
    results: options.Results = options.RESULTS,
) -> None:
    """Carry out a job that was made on another machine; the records name this one."""
    asked = _read(file)
    chosen, why = choice.choose(engine)
    console.note(f"engine: {chosen.name}; {why}")
    machine = wiring.this_machine()
    store = Store(results, asked.matrix, machine.id)
    limits = Limits(timeout=asked.timeout_s, memory=asked.memory_bytes)
    setting = Setting(engine=chosen, named=None, machine=machine, limits=limits)
    tally = Tally()
    with sweeps.opened(store, machine), progress.shown(len(asked.runs)) as shown:
        ThisMachine(sweeps.context(setting, store), shown, tally).carry_out([asked])
    missing = sum(status != "completed" for status in tally.statuses.values())
    if missing:
        raise IncompleteSweepError(f"{missing} of {len(asked.runs)} runs did not complete")


def _read(file: Path) -> Job:
    try:
        content = untrusted.read_regular(file, _BYTES, follow_links=True)
        return jobs.from_json(json.loads(content))
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"{file}: {error}; a job is made by harness of the same version"
        ) from error
