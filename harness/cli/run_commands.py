"""`run`: the sweep."""

from __future__ import annotations

import importlib
from collections import Counter
from enum import Enum
from types import ModuleType
from typing import Annotated

import typer

from harness import console
from harness.cli import options, sweeps, wiring
from harness.cli.sweeps import LockSource, Setting
from harness.engines import choice
from harness.errors import IncompleteSweepError
from harness.executors.run_processes import Limits
from harness.executors.this_machine import Tally
from harness.matrix import cells, reading, shards
from harness.results.store import Store
from harness.sweep.planning import Step


class IsolationChoice(str, Enum):
    """Whether a run gets a process of its own."""

    auto = "auto"
    forked = "forked"
    fresh = "fresh"


def run(
    file: options.MatrixFile,
    only: options.Only = None,
    shard: options.Shard = None,
    engine: options.Engine = options.ENGINE,
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
    part = options.shard(shard)
    matrix = reading.read(file)
    limits = Limits(timeout=timeout, memory=options.bytes_of(memory))
    chosen, why = choice.choose(engine)
    console.note(f"engine: {chosen.name}; {why}")
    machine = wiring.this_machine()
    store = Store(results, matrix.name, machine.id)

    def unavailable(device: str) -> str | None:
        return chosen.unavailable(device=device)

    # Listed before anything is written, so that a selection of nothing leaves nothing.
    settled = wiring.settled_cells(matrix, machine.limits, unavailable)
    matching = list(cells.select(settled, tuple(only or ())))
    selected = list(shards.within(matching, part))
    if part is not None:
        console.note(f"shard {part}: {len(selected)} of {len(matching)} cells")

    setting = Setting(
        engine=chosen,
        named=options.named(engine),
        machine=machine,
        limits=limits,
        isolation=isolation.value,
    )
    steps, tally = sweeps.carry_out(
        setting,
        store,
        matrix,
        LockSource(read=wiring.lock_reader(file), make=wiring.lock_maker(file)),
        planned=wiring.settled_cells(matrix, machine.limits, unavailable),
        selected=selected,
        meanwhile=_report,
    )
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
    before = (step for step in steps if (step.cell.id, step.repeat) not in tally.statuses)
    statuses.update(step.recorded for step in before if step.action == "done" and step.recorded)
    missing = statuses.total() - statuses["completed"]
    if missing:
        parts = ", ".join(f"{n} {status}" for status, n in sorted(statuses.items()))
        raise IncompleteSweepError(
            f"{missing} of {statuses.total()} runs did not complete ({parts}); "
            f"harness table {store.folder.parent} --by run says why"
        )
