"""`run`: the sweep."""

from __future__ import annotations

import importlib
from collections import Counter
from enum import Enum
from functools import partial
from types import ModuleType
from typing import Annotated

import typer

from harness import console
from harness.cli import options, sweep_inputs, wiring
from harness.cli.options import EngineChoice
from harness.engines import choice
from harness.errors import IncompleteSweepError
from harness.matrix import cells, reading
from harness.results import plan_file
from harness.results.store import Store
from harness.sweep import exchanges, planning
from harness.sweep.planning import Step
from harness.sweep.processes import Limits
from harness.sweep.sweeping import Tally


class IsolationChoice(str, Enum):
    """Whether a run gets a process of its own."""

    auto = "auto"
    forked = "forked"
    fresh = "fresh"


def run(
    file: options.MatrixFile,
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
    matrix = reading.read(file)
    limits = Limits(timeout=timeout, memory=options.bytes_of(memory))
    chosen, why = choice.choose(engine.value)
    console.note(f"engine: {chosen.name}; {why}")
    machine = wiring.this_machine()
    store = Store(results, matrix.name, machine.id)

    def unavailable(device: str) -> str | None:
        return chosen.unavailable(device=device)

    # Listed before anything is written, so that a selection of nothing leaves nothing.
    settled = wiring.settled_cells(matrix, machine.limits, unavailable)
    selected = list(cells.select(settled, tuple(only or ())))
    wanted = wiring.wanted(
        wiring.lock_reader(file),
        machine,
        engine=None if engine is EngineChoice.auto else engine.value,
        running=chosen,
        audited=isolation is IsolationChoice.auto,
        limits=limits,
    )
    with store.lock():
        exchanges.remove_abandoned()
        store.write_machine(machine.hardware)
        planned = wiring.settled_cells(matrix, machine.limits, unavailable)
        plan_file.write(store.plan_path, matrix=matrix, machine=machine.id, cells=planned)
        steps = list(planning.steps(selected, matrix.repeats, wanted, store.reader()))
        inputs = partial(
            sweep_inputs.prepare,
            store,
            machine,
            chosen,
            limits=limits,
            isolation=isolation.value,
            lock=wiring.with_copies(wiring.lock_maker(file), store),
        )
        tally = sweep_inputs.carry_out(inputs, steps, meanwhile=_report)
    _report().show(results / matrix.name)
    _judge(steps, tally, store)


def _report() -> ModuleType:
    """The module that reports. It needs pandas, which takes half a second to import."""
    return importlib.import_module("harness.cli.sweep_report")


def _judge(steps: list[Step], tally: Tally, store: Store) -> None:
    """Raise what decides the exit code; nothing where every selected run is completed."""
    if tally.unbuilt:
        names = "\n  ".join(tally.unbuilt)
        kind = type(next(iter(tally.unbuilt.values())))
        raise kind(f"{len(tally.unbuilt)} environments are missing; see above:\n  {names}")
    statuses = Counter(tally.statuses.values())
    statuses.update(step.recorded for step in steps if step.action == "done" and step.recorded)
    missing = statuses.total() - statuses["completed"]
    if missing:
        parts = ", ".join(f"{n} {status}" for status, n in sorted(statuses.items()))
        raise IncompleteSweepError(
            f"{missing} of {statuses.total()} runs did not complete ({parts}); "
            f"harness table {store.folder.parent} --by run says why"
        )
