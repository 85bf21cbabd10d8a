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
from harness.executors.cluster import carrier, connection, identity, receiving
from harness.executors.cluster.connection import Connection
from harness.executors.cluster.identity import Member
from harness.executors.cluster.work_queue import RunKey, WorkQueue
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
    """A machine's share under way. `parked` are tokens of workers that get no more work."""

    share: Share
    queue: WorkQueue
    tokens: set[str] = field(default_factory=set)
    parked: set[str] = field(default_factory=set)
    absent_since: float | None = None


@dataclass(kw_only=True)
class _Piece:
    """Jobs that one worker has: runs under way with the time they started, and those over."""

    token: str
    machine: _Machine
    member: Member
    jobs: list[Job]
    under_way: dict[RunKey, str] = field(default_factory=dict)
    over: set[RunKey] = field(default_factory=set)
    doing: str = ""

    def run(self, key: RunKey) -> tuple[Job, Run] | None:
        """The run of this name, None where it is not of this piece."""
        found = ((job, run) for job in self.jobs for run in job.runs)
        return next((pair for pair in found if (pair[1].cell, pair[1].repeat) == key), None)

    @property
    def left(self) -> set[RunKey]:
        """The runs that are not over."""
        return {(run.cell, run.repeat) for job in self.jobs for run in job.runs} - self.over


class Cluster:
    """Carries out jobs on the workers of a cluster; one that is lost costs what it was doing."""

    def __init__(
        self, connection: Connection, progress: SweepProgress, isolation: IsolationPolicy
    ) -> None:
        self._connection = connection
        self._progress = progress
        self._isolation = isolation
        self._machines: dict[str, _Machine] = {}
        self._pieces: dict[str, _Piece] = {}
        self._members: dict[str, Member] = {}
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
            while self._pieces or any(each.queue.left for each in self._machines.values()):
                with suppress(queue.Empty):
                    self._handle(self._connection.events.get(timeout=_LOOK_SECONDS))
                if time.monotonic() - self._looked > _LOOK_SECONDS:
                    self._look(lost)
            return lost
        finally:
            for machine in self._machines.values():
                for token in machine.tokens:
                    self._connection.forget(token)

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
        for piece in [one for one in self._pieces.values() if one.member.address not in present]:
            self._lost(piece)
            # Should it be there after all, it stops.
            self._drop(piece.token)
        if not present <= self._members.keys() or not self._members:
            self._members = self._connection.members()
        for name, machine in self._machines.items():
            able = self._able(name, present)
            self._let_ask(name, machine, len(able))
            if able or not machine.queue.left:
                machine.absent_since = None
            elif machine.absent_since is None:
                machine.absent_since = self._looked
            elif self._looked - machine.absent_since > _ABSENT_SECONDS:
                lost[name] = lost.get(name, 0) + machine.queue.clear()

    def _able(self, machine: str, present: Collection[str]) -> list[Member]:
        return [
            member
            for address, member in self._members.items()
            if member.machine == machine and address in present and member.id not in self._refused
        ]

    def _let_ask(self, name: str, machine: _Machine, workers: int) -> None:
        """As many tokens as there are workers, as long as there is work."""
        if machine.queue.left:
            while len(machine.tokens) - len(machine.parked) < workers:
                machine.tokens.add(self._connection.submit(name))

    def _handle(self, event: Mapping[str, Any]) -> None:
        token, kind = event["token"], event["event"]
        piece = self._pieces.get(token)
        if kind == carrier.ASKS:
            self._asked(token, identity.from_json(event["member"]), piece)
        elif kind == connection.OVER:
            self._over(token, piece)
        elif piece is None:
            # Of a piece that was taken back, which nobody may go on with.
            self._drop(token)
        elif kind == job_events.PREPARING:
            self._show(piece, event["what"])
        elif kind == job_events.STARTED:
            key = (event["cell"], event["repeat"])
            piece.under_way[key] = now()
            self._show(piece, event["cell"])
        elif kind == job_events.FINISHED:
            self._finished(piece, event["cell"], event["repeat"], event["record"])
        elif kind == carrier.ENDED:
            self._ended(piece, event)

    def _asked(self, token: str, member: Member, piece: _Piece | None) -> None:
        """A worker asks for work with a token."""
        if piece is not None:
            # Dask runs a token again whose worker is gone.
            self._lost(piece)
        machine = self._machines.get(member.machine)
        if machine is None or token not in machine.tokens:
            return
        if member.id in self._refused or member.program != identity.this_program():
            # It waits for an answer until the end, and so cannot ask again.
            machine.parked.add(token)
            return
        self._members[member.address] = member
        all_cpus = sum(each.cpus for each in self._members.values() if _alike(each, member))
        given = machine.queue.take(member.cpus, all_cpus)
        if given:
            self._pieces[token] = _Piece(token=token, machine=machine, member=member, jobs=given)
        try:
            self._connection.bring(member.address, token, _snapshots(given))
            work = {"jobs": [jobs.to_json(job) for job in given], "isolation": self._isolation}
            self._connection.give(member.address, token, work if given else None)
        except LookupError:
            if given:
                self._lost(self._pieces[token])
        except DataError as error:
            machine.parked.add(token)
            self._refuse(self._pieces[token], str(error))
            self._take_back(self._pieces[token])

    def _finished(self, piece: _Piece, cell: str, repeat: int, text: str) -> None:
        if piece.run((cell, repeat)) is None:
            return
        store = piece.machine.share.store
        fetch = partial(self._connection.fetch, piece.member.address, piece.token)
        try:
            record = receiving.receive(store, cell, repeat, text, fetch)
        except LookupError:
            return  # the worker is gone, and so are the arrays: the run is lost with it
        except RecordError as error:
            if isinstance(error.__cause__, OSError):
                raise
            self._refuse(piece, str(error))
            return
        piece.under_way.pop((cell, repeat), None)
        piece.over.add((cell, repeat))
        self._count(piece.machine.share, record, piece.member.name)

    def _ended(self, piece: _Piece, event: Mapping[str, Any]) -> None:
        """The process that did a piece is over; what it did not get to is taken back."""
        was_killed = event["code"] < 0 and bool(piece.under_way or piece.over)
        if event["closing"] or not piece.left:
            self._take_back(piece)
        elif was_killed:
            self._lost(piece, f"the process that carried it out on {piece.member.name} was killed")
        else:
            said = event["said"].strip().rpartition("\n")[2]
            self._refuse(piece, said or f"its process ended with status {event['code']}")
            self._take_back(piece)
        with suppress(LookupError):
            self._connection.give(piece.member.address, piece.token, carrier.RELEASED)

    def _over(self, token: str, piece: _Piece | None) -> None:
        """The task of a token is over, whatever became of it."""
        # Without a scheduler all tasks are over, and no worker is to blame.
        self._connection.require()
        if piece is not None:
            self._lost(piece)
        self._drop(token)

    def _drop(self, token: str) -> None:
        """End what a token does; another one may be submitted for its worker."""
        for machine in self._machines.values():
            machine.tokens.discard(token)
            machine.parked.discard(token)
        self._connection.forget(token)
        self._looked = 0.0

    def _refuse(self, piece: _Piece, why: str) -> None:
        """Give this worker no more work."""
        console.note(f"{piece.member.name} gets no more work: {why}")
        self._refused.add(piece.member.id)

    def _lost(self, piece: _Piece, why: str = "") -> None:
        """Record what a lost worker was doing as killed, and take back what it did not get to."""
        reason = why or f"the worker {piece.member.name} was lost"
        share = piece.machine.share
        for key, started in list(piece.under_way.items()):
            found = piece.run(key)
            if found is not None and key not in piece.over:
                record = recording.of_killed(share.made_on, *found, reason, started)
                share.store.write(record, None, None)
                piece.over.add(key)
                self._count(share, record, piece.member.name)
        self._take_back(piece)

    def _take_back(self, piece: _Piece) -> None:
        self._show(piece, "")
        self._pieces.pop(piece.token, None)
        piece.machine.queue.give_back(piece.jobs, piece.over)
        self._looked = 0.0

    def _show(self, piece: _Piece, what: str) -> None:
        """Say what a worker does now, instead of what it did before."""
        if piece.doing:
            self._progress.set_running(piece.doing, under_way=False)
        piece.doing = f"{piece.member.name}: {what}" if what else ""
        if piece.doing:
            self._progress.set_running(piece.doing, under_way=True)

    def _count(self, share: Share, record: Record, worker: str) -> None:
        share.tally.statuses[record.cell, record.repeat] = record.status
        self._progress.finished(record, worker)


def _snapshots(given: Iterable[Job]) -> list[str]:
    """What these jobs need of users' scripts."""
    names = (name for script in _scripts(given) for name in packed_snapshots.names(script))
    return list(dict.fromkeys(names))


def _scripts(given: Iterable[Job]) -> Iterator[Script]:
    return (script for job in given for script in job.scripts.values())


def _alike(one: Member, other: Member) -> bool:
    return one.machine == other.machine
