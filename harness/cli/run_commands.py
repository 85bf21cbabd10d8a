"""`run`: the sweep."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from pathlib import Path
from typing import Annotated

import psutil
import typer

import harness
from harness import console, places
from harness.analysis import classes, effects
from harness.cli import options, wiring
from harness.cli.options import EngineChoice
from harness.cli.wiring import Here
from harness.engines import choice
from harness.engines.protocol import Engine
from harness.errors import IncompleteSweepError
from harness.matrix import cells, reading
from harness.matrix.matrix import Matrix
from harness.publish import tables
from harness.results import plan_file
from harness.results.store import Store
from harness.sweep import exchanges, planning, progress, staging
from harness.sweep.audit import Audits
from harness.sweep.planning import Step
from harness.sweep.processes import Limits
from harness.sweep.recording import Origin, Run
from harness.sweep.scene import Scene
from harness.sweep.sweeping import Sweep, Tally

_HEADROOM = 0.8
"""The share of the memory now available that runs may plan with."""


class IsolationChoice(str, Enum):
    """Whether a run gets a process of its own."""

    auto = "auto"
    forked = "forked"
    fresh = "fresh"


def run(
    matrix: options.MatrixFile,
    only: options.Only = None,
    engine: options.Engine = EngineChoice.auto,
    results: options.Results = options.RESULTS,
    isolation: Annotated[
        IsolationChoice,
        typer.Option(
            help="fresh: a process per run; forked: import once, fork per run; auto: forked where "
            "an audit showed that it leaves the same bits."
        ),
    ] = IsolationChoice.auto,
    timeout: options.Timeout = options.TIMEOUT,
    memory: options.Memory = options.MEMORY,
) -> None:
    """Run every cell that has no record yet, then print which gave the same weights."""
    found = reading.read(matrix)
    limits = Limits(timeout=timeout, memory=options.bytes_of(memory))
    chosen, why = choice.choose(engine.value)
    console.note(f"engine: {chosen.name}; {why}")
    machine = wiring.this_machine()
    store = Store(results, found.name, machine.id)

    def unavailable(device: str) -> str | None:
        return chosen.unavailable(device=device)

    # Listed before anything is written, so that a selection of nothing leaves nothing.
    settled = wiring.settled_cells(found, machine.limits, unavailable)
    selected = list(cells.select(settled, tuple(only or ())))
    wanted = wiring.wanted(
        matrix,
        machine,
        engine=None if engine is EngineChoice.auto else engine.value,
        running=chosen,
        audited=isolation is IsolationChoice.auto,
        limits=limits,
    )
    with store.lock():
        exchanges.remove_abandoned()
        store.write_machine(machine.hardware)
        planned = wiring.settled_cells(found, machine.limits, unavailable)
        plan_file.write(store.plan_path, matrix=found, machine=machine.id, cells=planned)
        steps = list(planning.steps(selected, found.repeats, wanted, store.reader()))
        scene = _scene(matrix, found, store, machine, chosen, limits, isolation)
        tally = _sweep(scene, steps)
    _report(results / found.name)
    _judge(steps, tally, store)


def _scene(
    matrix_file: Path,
    matrix: Matrix,
    store: Store,
    machine: Here,
    engine: Engine,
    limits: Limits,
    isolation: IsolationChoice,
) -> Scene:
    runner = staging.stage()
    visible = tuple(machine.hardware["visible_cpus"])
    return Scene(
        engine=engine,
        store=store,
        origin=Origin(
            matrix=matrix.name,
            machine=machine.id,
            hardware=machine.hardware,
            engine=engine.describe(),
            runner_sha256=runner.sha256,
        ),
        runner=runner,
        lock=wiring.lock_maker(matrix_file),
        data=wiring.data_of,
        data_root=places.cache("datasets"),
        cpus=visible,
        holders=_holders(limits, len(visible)),
        limits=limits,
        isolation=isolation.value,
        audits=Audits(runner_sha256=runner.sha256, engine=engine.name, machine=machine.id),
        logs=store.make_logs(),
    )


def _holders(limits: Limits, visible: int) -> int:
    """How many runs may go side by side, by memory and by CPUs."""
    fits = int(psutil.virtual_memory().available * _HEADROOM // limits.memory)
    return max(1, min(fits, visible))


def _sweep(scene: Scene, steps: list[Step]) -> Tally:
    runs = [Run(cell=step.cell, repeat=step.repeat) for step in steps if step.action == "run"]
    done = sum(step.action == "done" for step in steps)
    console.note(f"{len(runs)} runs to do, {done} done before, {len(steps)} in all")
    if not runs:
        return Tally()
    with progress.shown(len(runs)) as shown:
        return Sweep(scene, shown).carry_out(runs)


def _report(folder: Path) -> None:
    frame = harness.load(folder)
    console.note(tables.summary(frame))
    console.result(tables.render(classes.by_class(frame), "rich"))
    console.result("\n" + tables.render(effects.by_axis(frame), "rich"))
    console.note(f"more: harness table {folder} --by cell   (or run, class, axis)")


def _judge(steps: list[Step], tally: Tally, store: Store) -> None:
    """Raise what decides the exit code; nothing where every selected run is completed."""
    if tally.unbuilt:
        names = "\n  ".join(tally.unbuilt)
        kind = type(next(iter(tally.unbuilt.values())))
        raise kind(f"{len(tally.unbuilt)} environments are missing; see above:\n  {names}")
    statuses = Counter(tally.statuses.values())
    for step in steps:
        record = store.read(step.cell.id, step.repeat) if step.action == "done" else None
        if record is not None:
            statuses[record.status] += 1
    missing = statuses.total() - statuses["completed"]
    if missing:
        parts = ", ".join(f"{n} {status}" for status, n in sorted(statuses.items()))
        raise IncompleteSweepError(
            f"{missing} of {statuses.total()} runs did not complete ({parts}); "
            f"harness table {store.folder.parent} --by run says why"
        )
