"""`run`: the sweep."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer

from harness import console, selection
from harness.cli import options, sweeps, wiring
from harness.cli.sweeps import LockSource, Setting
from harness.engines import choice
from harness.errors import IncompleteSweepError, UsageError
from harness.executors.run_processes import Limits
from harness.executors.this_machine import Tally
from harness.matrix import cells, reading, shards
from harness.results.store import Store
from harness.sweep.planning import Step
from harness.wording import counted

_REASONS = 5


def run(
    file: options.MatrixFile,
    only: options.Only = None,
    again: options.Again = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would run and why, as harness plan does.")
    ] = False,
    shard: options.Shard = None,
    on: Annotated[
        str | None,
        typer.Option(
            "--on",
            metavar="ADDRESS|slurm",
            help="On the workers of the Dask scheduler there (tls://HOST:8786), or in "
            "jobs of SLURM.",
        ),
    ] = None,
    tls: options.Tls = None,
    cluster: Annotated[
        Path | None,
        typer.Option(
            "--cluster", metavar="FILE", help="What the jobs of --on slurm ask for (YAML)."
        ),
    ] = None,
    engine: options.Engine = options.ENGINE,
    results: options.Results = options.RESULTS,
    isolation: options.Isolation = options.IsolationChoice.auto,
    timeout: options.Timeout = options.TIMEOUT,
    memory: options.Memory = options.MEMORY,
) -> None:
    """Run every cell that has no record yet, then print which gave the same weights."""
    part = options.shard(shard)
    if cluster is not None and on != "slurm":
        raise UsageError("--cluster says what the jobs of --on slurm ask for: leave it out")
    if dry_run:
        cluster_options = {"on": on, "tls": tls}
        _plan(file, only, again, shard, results, engine, timeout, memory, cluster_options)
        return
    if on is not None:
        cluster_run = importlib.import_module("harness.cli.cluster_run")
        asked = cluster_run.Asked(
            file=file,
            only=tuple(only or ()),
            again=tuple(again or ()),
            shard=part,
            engine=options.named(engine),
            results=results,
            isolation=isolation.value,
            limits=Limits(timeout=timeout, memory=options.bytes_of(memory)),
        )
        cluster_run.run(asked, cluster_run.Where(on=on, tls=tls, options=cluster))
        return
    matrix = reading.read(file)
    limits = Limits(timeout=timeout, memory=options.bytes_of(memory))
    chosen, why = choice.choose(engine)
    machine = wiring.this_machine()
    store = Store(results, matrix.name, machine.id)

    def unavailable(device: str) -> str | None:
        return chosen.unavailable(device=device)

    # Listed before anything is written, so that a selection of nothing leaves nothing.
    settled = wiring.settled_cells(matrix, machine.limits, unavailable)
    matching = list(cells.select(settled, selection.with_again(only, again)))
    selected = list(shards.within(matching, part))
    if part is not None:
        console.note(f"shard {part}: {len(selected)} of {counted(len(matching), 'cell')}")

    setting = Setting(
        engine=chosen,
        named=options.named(engine),
        machine=machine,
        limits=limits,
        isolation=isolation.value,
        chosen_because=why,
    )
    steps, tally = sweeps.carry_out(
        setting,
        store,
        matrix,
        LockSource(read=wiring.lock_reader(file), make=wiring.lock_maker(file)),
        planned=wiring.settled_cells(matrix, machine.limits, unavailable),
        selected=selected,
        again=again or (),
        meanwhile=_report,
    )
    if tally.statuses:
        _report().show(results / matrix.name)
    note_nothing_new([(steps, tally, store)], results / matrix.name)
    _note_nothing(steps, file)
    judge([(steps, tally, store)])


def _plan(
    file: Path,
    only: list[str] | None,
    again: list[str] | None,
    shard: str | None,
    results: Path,
    engine: str,
    timeout: float,
    memory: str,
    cluster: Mapping[str, Any],
) -> None:
    # Tables need pandas, which takes half a second to import.
    plan = importlib.import_module("harness.cli.plan_command").plan
    plan(file, only, shard, results, engine, timeout, memory, again=again, **cluster)


def _report() -> ModuleType:
    """The module that reports. It needs pandas, which takes half a second to import."""
    return importlib.import_module("harness.cli.sweep_report")


def note_nothing_new(ended: Sequence[tuple[list[Step], Tally, Store]], folder: Path) -> None:
    """Where all selected runs were done before, say which commands show those below `folder`."""
    if any(tally.statuses or tally.unbuilt for _, tally, _ in ended):
        return
    if any(step.action == "done" for steps, _, _ in ended for step in steps):
        console.note(
            f"nothing to do; harness table {folder} shows what was found, harness advise {folder} "
            "says what to set"
        )


def judge(ended: Sequence[tuple[list[Step], Tally, Store]]) -> None:
    """Raise what decides the exit code; nothing where every selected run is completed.

    `ended` has the plan, what became of the runs, and their records, for each machine.
    """
    unbuilt = {name: error for _, tally, _ in ended for name, error in tally.unbuilt.items()}
    if unbuilt:
        names = "\n  ".join(unbuilt)
        kind = type(next(iter(unbuilt.values())))
        are = "environment is" if len(unbuilt) == 1 else "environments are"
        raise kind(f"{len(unbuilt)} {are} missing; see above:\n  {names}")
    statuses: Counter[str] = Counter()
    for steps, tally, _ in ended:
        statuses.update(tally.statuses.values())
        before = (step for step in steps if (step.cell.id, step.repeat) not in tally.statuses)
        statuses.update(step.recorded for step in before if step.action == "done" and step.recorded)
    missing = statuses.total() - statuses["completed"]
    if missing:
        parts = ", ".join(f"{n} {status}" for status, n in sorted(statuses.items()))
        failures = (_first_failure(steps, store) for steps, _, store in ended)
        raise IncompleteSweepError(
            f"{missing} of {counted(statuses.total(), 'run')} did not complete ({parts})"
            f"{next(filter(None, failures), '')}; "
            f"harness table {ended[0][2].folder.parent} --by run says why"
        )


def _first_failure(steps: list[Step], store: Store) -> str:
    """The first run that did not complete, and why, where its record says it."""
    for step in steps:
        record = store.read(step.cell.id, step.repeat) if step.cell.status is None else None
        if record is not None and record.status != "completed":
            reason = record.reason.partition("\n")[0]
            return f"; {record.cell} #{record.repeat}: {reason}" if reason else ""
    return ""


def _note_nothing(steps: list[Step], file: Path) -> None:
    """Where no selected cell can run here, say why, and what to do."""
    if not steps or any(step.cell.status is None for step in steps):
        return
    reasons = Counter(f"{step.action}: {step.why}" for step in steps)
    for reason, number in reasons.most_common(_REASONS):
        console.note(f"  {counted(number, 'run')} {reason}")
    console.note(f"nothing could run here; harness doctor {file} says what this machine lacks")
