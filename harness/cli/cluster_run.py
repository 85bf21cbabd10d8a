"""`run --on`: the sweep on the workers of a Dask cluster."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness import console, selection
from harness.cli import run_commands, sweep_report, wiring
from harness.errors import EngineError, UsageError
from harness.executors.cluster import addresses, connection, slurm_options
from harness.executors.cluster.connection import Connection
from harness.executors.cluster.identity import WorkerInfo
from harness.executors.cluster.worker_sources import StartedByOthers, WorkerSource, waited_for
from harness.executors.context import IsolationPolicy
from harness.executors.recording import MachineAndEngine
from harness.executors.run_processes import Limits
from harness.matrix import cells, reading
from harness.matrix.cells import Cell
from harness.matrix.machine_kinds import ANY, MachineKind
from harness.matrix.matrix import Matrix
from harness.matrix.shards import Shard
from harness.protocol.script import Script
from harness.results import plan_file, scan
from harness.results.store import Store, read_machine
from harness.subjects import snapshots
from harness.sweep import cluster_sweeping, machine_limits, planning
from harness.sweep.cell_placement import Candidate, Placement, RecordedRepeats, place_cells
from harness.sweep.cluster_sweeping import Part
from harness.sweep.jobs import Maker
from harness.sweep.machine_limits import Machine
from harness.sweep.planning import Step, Wanted
from harness.wording import counted

SLURM = "slurm"
"""Instead of an address: a scheduler of this run, with SLURM's jobs as its workers."""

ABSENT = "absent"
"""How the folder of a kind begins of which there is no machine."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the command was asked for; `engine` is None where any will do."""

    file: Path
    only: tuple[str, ...]
    again: tuple[str, ...]
    shard: Shard | None
    engine: str | None
    results: Path
    isolation: IsolationPolicy
    limits: Limits
    only_plan: bool = False


@dataclass(frozen=True, kw_only=True)
class Where:
    """On which cluster: a scheduler's address, with its certificates, or `SLURM` with options."""

    on: str
    tls: Path | None
    options: Path | None


def run(asked: Asked, where: Where) -> None:
    """Run every cell that has no record yet on a cluster."""
    matrix = reading.read(asked.file)
    with opened_at(where, asked.engine) as (opened, source):
        parts = _until_done(ClusterSweep(asked, matrix), opened, source)
    ended = [(part.steps, part.tally, part.store) for part in parts]
    if any(part.tally.statuses for part in parts):
        sweep_report.show(asked.results / matrix.name)
    run_commands.note_nothing_new(ended, asked.results / matrix.name)
    run_commands.judge(ended)


@contextmanager
def opened_at(where: Where, engine: str | None) -> Iterator[tuple[Connection, WorkerSource]]:
    """The cluster, and where its workers come from."""
    if where.on != SLURM:
        address = addresses.parse(where.on)
        with connection.opened(address, addresses.security(address, where.tls)) as opened:
            yield opened, StartedByOthers()
        return
    if where.options is None:
        raise UsageError("--on slurm needs --cluster FILE, which says what its jobs ask for")
    options = slurm_options.read(where.options)
    slurm = importlib.import_module("harness.executors.cluster.slurm")
    with (
        slurm.started(options, engine) as started,
        connection.opened(started.address, started.security) as opened,
    ):
        yield opened, started.jobs


def _until_done(sweep: ClusterSweep, opened: Connection, source: WorkerSource) -> list[Part]:
    """Carry out the sweep; where all workers of a machine are lost, others do its part."""
    ended: list[Part] = []
    left: int | None = None
    for number in itertools.count():
        workers = waited_for(opened, source, sweep.fits)
        _note_workers(workers)
        with sweep.parts(workers, first=number == 0) as parts:
            lost = cluster_sweeping.carry_out(
                parts, sweep.maker, opened, source, sweep.asked.isolation
            )
        ended += parts
        if not lost:
            return ended
        if left is not None and sum(lost.values()) >= left:
            raise EngineError(
                f"{counted(left, 'run')} found no worker that could do them; see above, then start "
                "the same command again: finished runs are kept"
            )
        left = sum(lost.values())
        for machine, runs in lost.items():
            console.note(f"{machine} has no worker any more; others do its {counted(runs, 'run')}")
    raise AssertionError("counting has no end")


def _note_workers(workers: Iterable[WorkerInfo]) -> None:
    by_machine: dict[str, list[WorkerInfo]] = {}
    for worker in workers:
        by_machine.setdefault(worker.machine, []).append(worker)
    for machine, its in by_machine.items():
        engines = ", ".join(sorted({worker.engine["name"] for worker in its}))
        console.note(f"{machine}: {counted(len(its), 'worker')}, engine {engines}")


class ClusterSweep:
    """A matrix to be run on a cluster, and what is recorded of it."""

    def __init__(self, asked: Asked, matrix: Matrix) -> None:
        self.asked = asked
        self.matrix = matrix
        self._lock = wiring.lock_reader(asked.file)

    def fits(self, worker: WorkerInfo) -> bool:
        """Whether a worker has the engine that was asked for."""
        return self.asked.engine in (None, worker.engine["name"])

    @cached_property
    def scripts(self) -> Mapping[str, Script]:
        """The users' scripts of the matrix, as they are now."""
        take = snapshots.describe if self.asked.only_plan else snapshots.stage
        return {name: take(entry) for name, entry in self.matrix.scripts.items()}

    @cached_property
    def maker(self) -> Maker:
        """Makes jobs of runs."""
        return Maker(
            matrix=self.matrix.name,
            lock=wiring.lock_maker(self.asked.file),
            data=wiring.data_reference,
            scripts=self.scripts,
            limits=self.asked.limits,
        )

    @contextmanager
    def parts(self, workers: Iterable[WorkerInfo], *, first: bool) -> Iterator[list[Part]]:
        """What each machine of these workers is to do, with its folder locked."""
        by_machine = {worker.machine: worker for worker in workers}
        found = self._placement(list(workers))
        with ExitStack() as locks:
            parts = []
            for name, planned in found.cells.items():
                if planned:
                    store = self._store(name)
                    locks.enter_context(store.lock())
                    store.write_machine(by_machine[name].hardware)
                    self._write_plan(store, planned)
                    parts.append(self._part(store, by_machine[name], planned, again=first))
            self._write_absent(found.absent)
            if found.done_elsewhere:
                count = counted(found.done_elsewhere, "cell")
                console.note(f"{count} done on machines that have no worker now")
            if not parts and not found.done_elsewhere:
                raise EngineError("no worker of this cluster is of a kind that the matrix asks for")
            yield parts

    def planned(self, workers: Iterable[WorkerInfo]) -> Iterator[tuple[str, Step]]:
        """What each machine of these workers would do, by its name; nothing is written."""
        present = list(workers)
        by_machine = {worker.machine: worker for worker in present}
        found = self._placement(present)
        placed = [(name, by_machine[name], planned) for name, planned in found.cells.items()]
        for name, worker, planned in placed:
            part = self._part(self._store(name), worker, planned, again=True)
            yield from ((name, step) for step in part.plan(False))
        for kind, planned in found.absent.items():
            store = self._store(absent_name(kind))
            wanted, read, selected = self._wanted(store), store.reader(), self._selected(planned)
            steps = planning.steps(selected, self.matrix.repeats, wanted, read, vouching=False)
            yield from ((store.machine, step) for step in steps)

    def _part(self, store: Store, worker: WorkerInfo, planned: list[Cell], *, again: bool) -> Part:
        selected = self._selected(planned)
        rounds = itertools.count(0 if again else 1)

        def plan(vouching: bool) -> list[Step]:
            steps = planning.steps(
                selected,
                self.matrix.repeats,
                self._wanted(store),
                store.reader(),
                vouching=vouching,
            )
            # Planned anew, after the first runs, nothing is done again a second time.
            anew = () if next(rounds) else self.asked.again
            return list(planning.done_again(steps, anew))

        made_on = MachineAndEngine(
            machine=worker.machine, hardware=worker.hardware, engine=worker.engine
        )
        return Part(made_on=made_on, store=store, plan=plan)

    def _selected(self, planned: Iterable[Cell]) -> list[Cell]:
        globs = selection.with_again(self.asked.only, self.asked.again)
        matches, shard = selection.matcher(globs), self.asked.shard
        matching = (cell for cell in planned if not globs or matches(cell.id))
        return [cell for cell in matching if shard is None or shard.has(cell)]

    def _wanted(self, store: Store) -> Wanted:
        return wiring.wanted(
            self._lock,
            None,
            engine=self.asked.engine,
            running=None,
            audited=False,
            limits=self.asked.limits,
            store=store,
            scripts=self.scripts,
        )

    def _store(self, machine: str) -> Store:
        return Store(self.asked.results, self.matrix.name, machine)

    def _write_plan(self, store: Store, planned: Iterable[Cell]) -> None:
        plan_file.write(store.plan_path, matrix=self.matrix, machine=store.machine, cells=planned)

    def _placement(self, workers: list[WorkerInfo]) -> Placement:
        candidates = [*self._present(workers), *self._recorded({one.machine for one in workers})]
        planned = list(cells.cells(self.matrix))
        # A selection of nothing leaves nothing.
        list(cells.select(iter(planned), selection.with_again(self.asked.only, self.asked.again)))
        return place_cells(planned, self.matrix.machines, candidates)

    def _present(self, workers: Iterable[WorkerInfo]) -> Iterator[Candidate]:
        by_machine: dict[str, list[WorkerInfo]] = {}
        for worker in workers:
            by_machine.setdefault(worker.machine, []).append(worker)
        for name, its in sorted(by_machine.items()):
            cpus = sum(worker.cpus for worker in its)
            yield self._candidate(name, its[0].hardware, cpus, its[0].lacks)

    def _recorded(self, present: set[str]) -> Iterator[Candidate]:
        """The machines that have records here and no worker now."""
        folder = self.asked.results / self.matrix.name
        for path in sorted(folder.glob(f"*/{scan.MACHINE}")):
            hardware = read_machine(path)
            if path.parent.name not in present and hardware:
                yield self._candidate(path.parent.name, hardware, 0, {})

    def _candidate(
        self, name: str, hardware: Mapping[str, Any], cpus: int, lacks: Mapping[str, str]
    ) -> Candidate:
        limits = Machine(cpus=len(hardware["visible_cpus"]), flags=frozenset(hardware["cpu_flags"]))
        return Candidate(
            machine=name,
            hardware=hardware,
            cpus=cpus,
            settle=machine_limits.settled(limits, lacks.get),
            progress=self._progress(self._store(name)),
        )

    def _progress(self, store: Store) -> Callable[[Cell], RecordedRepeats]:
        wanted, read, repeats = self._wanted(store), store.reader(), self.matrix.repeats

        def progress(cell: Cell) -> RecordedRepeats:
            steps = list(planning.steps([cell], repeats, wanted, read, vouching=False))
            if all(step.action == "done" for step in steps):
                return "complete"
            return "begun" if any(step.recorded for step in steps) else "none"

        return progress

    def _write_absent(self, absent: Mapping[MachineKind, list[Cell]]) -> None:
        """Plan the cells of kinds that no worker is of, as unavailable; and no others any more."""
        folder = self.asked.results / self.matrix.name
        names = {absent_name(kind): kind for kind in absent}
        for path in sorted(folder.glob(f"{ABSENT}-*/{scan.PLAN}")):
            if path.parent.name not in names:
                _remove_absent(path.parent)
        for name, kind in names.items():
            store = self._store(name)
            with store.lock():
                self._write_plan(store, absent[kind])
            console.note(f"{counted(len(absent[kind]), 'cell')} unavailable: {_why(absent[kind])}")


def absent_name(kind: MachineKind) -> str:
    """The name of the folder of a kind of which there is no machine."""
    plain = "".join(sign if sign.isalnum() else "-" for sign in str(kind).lower())
    return f"{ABSENT}-{plain.strip('-')}" if kind != ANY else ABSENT


def _why(planned: list[Cell]) -> str:
    return next((cell.reason for cell in planned if cell.status == "unavailable"), "")


def _remove_absent(folder: Path) -> None:
    """Remove the plan of a kind that has a machine by now."""
    for name in (scan.PLAN, scan.MACHINE):
        (folder / name).unlink(missing_ok=True)
