"""Carrying out sweeps: what `run`, `verify` and `job` have in common."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness import places
from harness.cli import options, wiring
from harness.cli.wiring import LocalMachine
from harness.engines.protocol import Engine
from harness.environments.lock import Lock
from harness.executors import exchange_folders, staging
from harness.executors.context import Context, IsolationPolicy
from harness.executors.run_processes import Limits
from harness.executors.this_machine import Tally
from harness.matrix.cells import Cell
from harness.matrix.environment import Environment
from harness.matrix.matrix import Matrix
from harness.protocol.script import Script
from harness.results import plan_file
from harness.results.store import Store
from harness.subjects import snapshots
from harness.sweep import planning, sweeping
from harness.sweep.jobs import Maker
from harness.sweep.planning import Step
from harness.upkeep import room_checks


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How runs are carried out here; `named` is the engine that was asked for by name.

    `chosen_because` is said before something runs; nothing where that was said before.
    """

    engine: Engine
    named: str | None
    machine: LocalMachine
    limits: Limits
    isolation: IsolationPolicy = "auto"
    chosen_because: str = ""


@dataclass(frozen=True, kw_only=True)
class LockSource:
    """Where locks come from: `read` makes none, `make` gives one in any case or raises."""

    read: Callable[[Environment], Lock | None]
    make: Callable[[Environment], Lock]


def chosen_cells(name: str, repeats: int, command: str) -> Matrix:
    """What stands in the plan of runs that no matrix file asked for, but `command` chose."""
    source = f"# The cells of {name} that {command} chose.\n"
    return Matrix(
        name=name,
        description="",
        blocks=(),
        exclude=(),
        repeats=repeats,
        consents={},
        source=source,
        sha256=hashlib.sha256(source.encode()).hexdigest(),
    )


def carry_out(
    setting: Setting,
    store: Store,
    matrix: Matrix,
    locks: LockSource,
    *,
    planned: Iterable[Cell],
    selected: Sequence[Cell],
    scripts: Mapping[str, Script] | None = None,
    repeats: int | None = None,
    again: Sequence[str] = (),
    meanwhile: Callable[[], object] | None = None,
) -> tuple[list[Step], Tally]:
    """Write the plan, and run what has no record yet of the selected cells.

    `scripts` are workloads that are not the matrix's own; their files are in the cache. `repeats`
    are those that are made now, where that is not all that is planned. The cells that match `again`
    are run although they have records.
    """
    now = matrix.repeats if repeats is None else repeats
    own = {name: snapshots.stage(entry) for name, entry in matrix.scripts.items()}
    scripts = {**own, **(scripts or {})}
    maker = Maker(
        matrix=store.matrix,
        lock=locks.make,
        data=wiring.data_reference,
        scripts=scripts,
        limits=setting.limits,
    )

    rounds = itertools.count()

    def plan(vouching: bool) -> list[Step]:
        wanted = wiring.wanted(
            locks.read,
            setting.machine,
            engine=setting.named,
            running=setting.engine,
            audited=setting.isolation == "auto",
            limits=setting.limits,
            store=store,
            scripts=scripts,
        )
        read = store.reader()
        steps = planning.steps(selected, now, wanted, read, vouching=vouching)
        # Planned anew, after the first runs, nothing is done again a second time.
        return list(planning.done_again(steps, () if next(rounds) else again))

    with opened(store, setting.machine):
        plan_file.write(store.plan_path, matrix=matrix, machine=store.machine, cells=planned)
        return sweeping.carry_out(plan, maker, partial(context, setting, store), meanwhile)


@contextmanager
def opened(store: Store, machine: LocalMachine) -> Iterator[None]:
    """The store for the runs of this process alone, within the `with` block."""
    with store.lock():
        exchange_folders.remove_abandoned()
        store.write_machine(machine.hardware)
        yield


def context(setting: Setting, store: Store, *, cpu_locks: Path | None = None) -> Context:
    """Everything that runs recorded in `store` are carried out with.

    `cpu_locks` is for processes that share the CPUs.
    """
    if setting.chosen_because:
        asked = setting.named or options.ENGINE
        options.engine_note(asked, setting.engine.name, setting.chosen_because)
    machine = setting.machine
    visible = tuple(machine.hardware["visible_cpus"])
    return Context(
        engine=setting.engine,
        store=store,
        machine=machine.id,
        hardware=machine.hardware,
        runner=staging.stage(),
        data=wiring.data_set,
        data_root=places.cache("datasets"),
        cpus=visible,
        slots=max(1, min(room_checks.fitting(setting.limits.memory), len(visible))),
        isolation=setting.isolation,
        audits=wiring.audits(setting.engine.name, machine),
        logs=store.make_logs(),
        cpu_locks=cpu_locks,
    )
