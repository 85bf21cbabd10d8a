"""Jobs go to the workers of a cluster, each run once, and their records come back as they end."""

from __future__ import annotations

import queue
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from harness import console
from harness.errors import DataError, HarnessError, RecordError
from harness.executors import job_events, recording, stored_scripts
from harness.executors.cluster import connection, identity, receiving, worker_plugin
from harness.executors.cluster.connection import Connection
from harness.executors.cluster.identity import WorkerInfo
from harness.executors.cluster.work_queue import RunKey, WorkQueue
from harness.executors.cluster.worker_sources import WorkerSource
from harness.executors.context import IsolationPolicy
from harness.executors.progress import SweepProgress
from harness.executors.recording import MachineAndEngine
from harness.executors.single_runs import now
from harness.executors.this_machine import Tally
from harness.protocol import job as jobs
from harness.protocol.job import Job, Run
from harness.protocol.script import Script
from harness.results.record import Record
from harness.results.store import Store
from harness.subjects import packed_snapshots

_LOOK_SECONDS = 1.0
_ABSENT_SECONDS = 30.0
"""So long a machine may have no worker before its work is given up."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """What one machine is to do, and where its records go; several workers may be on one."""

    made_on: MachineAndEngine
    store: Store
    jobs: tuple[Job, ...]
    tally: Tally


@dataclass(kw_only=True)
class _Machine:
    """A machine's share under way.

    `tasks` are those with which its workers ask for work, `parked` those whose workers get none.
    """

    share: Share
    queue: WorkQueue
    tasks: set[str] = field(default_factory=set)
    parked: set[str] = field(default_factory=set)
    absent_since: float | None = None


@dataclass(kw_only=True)
class _Assignment:
    """Jobs that one worker has: runs under way with the time they started, and those over."""

    task: str
    machine: _Machine
    worker: WorkerInfo
    jobs: list[Job]
    under_way: dict[RunKey, str] = field(default_factory=dict)
    over: set[RunKey] = field(default_factory=set)
    doing: str = ""

    def run(self, key: RunKey) -> tuple[Job, Run] | None:
        """The run of this name, None where it is not of this assignment."""
        found = ((job, run) for job in self.jobs for run in job.runs)
        return next((pair for pair in found if (pair[1].cell, pair[1].repeat) == key), None)

    @property
    def left(self) -> set[RunKey]:
        """The runs that are not over."""
        return {(run.cell, run.repeat) for job in self.jobs for run in job.runs} - self.over


class Cluster:
    """Carries out jobs on the workers of a cluster; one that is lost costs what it was doing."""

    def __init__(
        self,
        connection: Connection,
        source: WorkerSource,
        progress: SweepProgress,
        isolation: IsolationPolicy,
    ) -> None:
        self._connection = connection
        self._source = source
        self._progress = progress
        self._isolation = isolation
        self._machines: dict[str, _Machine] = {}
        self._assignments: dict[str, _Assignment] = {}
        self._workers: dict[str, WorkerInfo] = {}
        self._refused: set[str] = set()
        self._looked = 0.0

    def carry_out(self, shares: Iterable[Share]) -> dict[str, int]:
        """Carry out every run of the shares. May be interrupted at any time.

        Returns how many runs of a machine, by name, nobody got to, as it has no worker any more.

        Raises:
            EngineError: the scheduler is gone; finished runs are recorded.
            KeyboardInterrupt: workers stop what they do; finished runs are recorded.
        """
        for share in shares:
            for script in _scripts(share.jobs):
                stored_scripts.store(share.store, script)
            machine = _Machine(share=share, queue=WorkQueue(share.jobs))
            self._machines[share.made_on.machine] = machine
        lost: dict[str, int] = {}
        try:
            self._look(lost)
            while self._assignments or any(each.queue.left for each in self._machines.values()):
                with suppress(queue.Empty):
                    self._handle(self._connection.events.get(timeout=_LOOK_SECONDS))
                if time.monotonic() - self._looked > _LOOK_SECONDS:
                    self._look(lost)
            return lost
        finally:
            for machine in self._machines.values():
                for task in machine.tasks:
                    self._connection.forget(task)

    def refuse(self, share: Share, job: Job, error: HarnessError) -> None:
        """Record every run of a job as unavailable: its environment cannot be had."""
        self._progress.preparing(f"not prepared: {error}")
        share.tally.unbuilt[recording.environment_of(job).id] = error
        reason = str(error).partition("\n")[0]
        for run in job.runs:
            record = recording.of_unavailable(share.made_on, job, run, reason, now())
            before = share.store.read(run.cell, run.repeat)
            if before is None or before.status != "completed":
                share.store.write(record, None, None)
            self._count(share, record, "")

    def _look(self, lost: dict[str, int]) -> None:
        """See who is there: take back what the lost had, and let the others ask for work."""
        self._looked = time.monotonic()
        present = self._connection.present()
        for assignment in [
            one for one in self._assignments.values() if one.worker.address not in present
        ]:
            self._lost(assignment)
            # Should it be there after all, it stops.
            self._drop(assignment.task)
        if not present <= self._workers.keys() or not self._workers:
            self._workers = self._connection.workers()
        if any(machine.queue.left for machine in self._machines.values()):
            here = (self._workers.get(address) for address in present)
            self._source.keep_up({worker.name for worker in here if worker})
        for name, machine in self._machines.items():
            able = self._able(name, present)
            self._let_ask(name, machine, len(able))
            if able or not machine.queue.left:
                machine.absent_since = None
            elif machine.absent_since is None:
                machine.absent_since = self._looked
            elif self._looked - machine.absent_since > _ABSENT_SECONDS:
                lost[name] = lost.get(name, 0) + machine.queue.clear()

    def _able(self, machine: str, present: Collection[str]) -> list[WorkerInfo]:
        return [
            worker
            for address, worker in self._workers.items()
            if worker.machine == machine and address in present and worker.id not in self._refused
        ]

    def _let_ask(self, name: str, machine: _Machine, workers: int) -> None:
        """As many tasks as there are workers, as long as there is work."""
        if machine.queue.left:
            while len(machine.tasks) - len(machine.parked) < workers:
                machine.tasks.add(self._connection.submit(name))

    def _handle(self, event: Mapping[str, Any]) -> None:
        task, kind = event["task"], event["event"]
        assignment = self._assignments.get(task)
        if kind == worker_plugin.ASKS:
            self._asked(task, identity.from_json(event["by"]), assignment)
        elif kind == connection.OVER:
            self._over(task, assignment)
        elif assignment is None:
            # Of an assignment that was taken back, which nobody may go on with.
            self._drop(task)
        elif kind == job_events.PREPARING:
            self._show(assignment, event["what"])
        elif kind == job_events.STARTED:
            key = (event["cell"], event["repeat"])
            assignment.under_way[key] = now()
            self._show(assignment, event["cell"])
        elif kind == job_events.FINISHED:
            self._finished(assignment, event["cell"], event["repeat"], event["record"])
        elif kind == worker_plugin.ENDED:
            self._ended(assignment, event)

    def _asked(self, task: str, worker: WorkerInfo, assignment: _Assignment | None) -> None:
        """A worker asks for work."""
        if assignment is not None:
            # Dask runs a task again whose worker is gone.
            self._lost(assignment)
        machine = self._machines.get(worker.machine)
        if machine is None or task not in machine.tasks:
            return
        if worker.id in self._refused or worker.program != identity.this_program():
            # It waits for an answer until the end, and so cannot ask again.
            machine.parked.add(task)
            return
        self._workers[worker.address] = worker
        all_cpus = sum(each.cpus for each in self._workers.values() if _alike(each, worker))
        given = machine.queue.take(worker.cpus, all_cpus)
        if given:
            self._assignments[task] = _Assignment(
                task=task, machine=machine, worker=worker, jobs=given
            )
        try:
            self._connection.bring(worker.address, task, _snapshots(given))
            work = {"jobs": [jobs.to_json(job) for job in given], "isolation": self._isolation}
            self._connection.give(worker.address, task, work if given else None)
        except LookupError:
            if given:
                self._lost(self._assignments[task])
        except DataError as error:
            machine.parked.add(task)
            self._refuse(self._assignments[task], str(error))
            self._take_back(self._assignments[task])

    def _finished(self, assignment: _Assignment, cell: str, repeat: int, text: str) -> None:
        if assignment.run((cell, repeat)) is None:
            return
        store = assignment.machine.share.store
        fetch = partial(self._connection.fetch, assignment.worker.address, assignment.task)
        try:
            record = receiving.receive(store, cell, repeat, text, fetch)
        except LookupError:
            return  # the worker is gone, and so are the arrays: the run is lost with it
        except RecordError as error:
            if isinstance(error.__cause__, OSError):
                raise
            self._refuse(assignment, str(error))
            return
        assignment.under_way.pop((cell, repeat), None)
        assignment.over.add((cell, repeat))
        self._count(assignment.machine.share, record, assignment.worker.name)

    def _ended(self, assignment: _Assignment, event: Mapping[str, Any]) -> None:
        """The process that did an assignment is over; what it did not get to is taken back."""
        was_killed = event["code"] < 0 and bool(assignment.under_way or assignment.over)
        if event["closing"] or not assignment.left:
            self._take_back(assignment)
        elif was_killed:
            self._lost(
                assignment,
                f"the process that carried it out on {assignment.worker.name} was killed",
            )
        else:
            said = event["said"].strip().rpartition("\n")[2]
            self._refuse(assignment, said or f"its process ended with status {event['code']}")
            self._take_back(assignment)
        with suppress(LookupError):
            self._connection.give(
                assignment.worker.address, assignment.task, worker_plugin.RELEASED
            )

    def _over(self, task: str, assignment: _Assignment | None) -> None:
        """A task is over, whatever became of it."""
        # Without a scheduler all tasks are over, and no worker is to blame.
        self._connection.require()
        if assignment is not None:
            self._lost(assignment)
        self._drop(task)

    def _drop(self, task: str) -> None:
        """Cancel a task; another one may be submitted for its worker."""
        for machine in self._machines.values():
            machine.tasks.discard(task)
            machine.parked.discard(task)
        self._connection.forget(task)
        self._looked = 0.0

    def _refuse(self, assignment: _Assignment, why: str) -> None:
        """Give this worker no more work."""
        console.note(f"{assignment.worker.name} gets no more work: {why}")
        self._refused.add(assignment.worker.id)

    def _lost(self, assignment: _Assignment, why: str = "") -> None:
        """Record what a lost worker was doing as killed, and take back what it did not get to."""
        reason = why or f"the worker {assignment.worker.name} was lost"
        share = assignment.machine.share
        for key, started in list(assignment.under_way.items()):
            found = assignment.run(key)
            if found is not None and key not in assignment.over:
                record = recording.of_killed(share.made_on, *found, reason, started)
                share.store.write(record, None, None)
                assignment.over.add(key)
                self._count(share, record, assignment.worker.name)
        self._take_back(assignment)

    def _take_back(self, assignment: _Assignment) -> None:
        self._show(assignment, "")
        self._assignments.pop(assignment.task, None)
        assignment.machine.queue.give_back(assignment.jobs, assignment.over)
        self._looked = 0.0

    def _show(self, assignment: _Assignment, what: str) -> None:
        """Say what a worker does now, instead of what it did before."""
        if assignment.doing:
            self._progress.set_running(assignment.doing, under_way=False)
        assignment.doing = f"{assignment.worker.name}: {what}" if what else ""
        if assignment.doing:
            self._progress.set_running(assignment.doing, under_way=True)

    def _count(self, share: Share, record: Record, worker: str) -> None:
        share.tally.statuses[record.cell, record.repeat] = record.status
        self._progress.finished(record, worker)
        self._source.progressed()


def _snapshots(given: Iterable[Job]) -> list[str]:
    """What these jobs need of users' scripts."""
    names = (name for script in _scripts(given) for name in packed_snapshots.names(script))
    return list(dict.fromkeys(names))


def _scripts(given: Iterable[Job]) -> Iterator[Script]:
    return (script for job in given for script in job.scripts.values())


def _alike(one: WorkerInfo, other: WorkerInfo) -> bool:
    return one.machine == other.machine
