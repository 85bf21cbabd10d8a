"""A sweep on a cluster: a part for each machine, all carried out at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness import console
from harness.errors import HarnessError
from harness.executors import locks, progress
from harness.executors.cluster.cluster import Cluster, Share
from harness.executors.cluster.connection import Connection
from harness.executors.cluster.worker_sources import WorkerSource
from harness.executors.context import IsolationPolicy
from harness.executors.recording import MachineAndEngine
from harness.executors.this_machine import Tally
from harness.protocol.job import Job
from harness.results.store import Store
from harness.sweep import sweeping
from harness.sweep.jobs import Maker
from harness.sweep.planning import Step
from harness.sweep.sweeping import Plan
from harness.wording import counted


@dataclass(kw_only=True)
class Part:
    """What one machine does of a sweep. `steps` is its last plan, `tally` what became of it."""

    made_on: MachineAndEngine
    store: Store
    plan: Plan
    steps: list[Step] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)


def carry_out(
    parts: Sequence[Part],
    maker: Maker,
    connection: Connection,
    source: WorkerSource,
    isolation: IsolationPolicy,
) -> dict[str, int]:
    """Run what has to be run of every part, showing how it goes; every run leaves a record.

    Returns how many runs of a machine nobody got to, as its workers are gone.
    """
    for part in parts:
        part.steps = part.plan(True)
    lost = _run(parts, maker, connection, source, isolation)
    while not lost and any(step.action == "waits" for part in parts for step in part.steps):
        for part in parts:
            repeated = [step for step in part.steps if step.repeated is not None]
            part.steps = part.plan(sweeping.write_vouchers(repeated, part.store))
        lost = _run(parts, maker, connection, source, isolation)
    return lost


def _run(
    parts: Sequence[Part],
    maker: Maker,
    connection: Connection,
    source: WorkerSource,
    isolation: IsolationPolicy,
) -> dict[str, int]:
    steps = [step for part in parts for step in part.steps]
    total = sum(step.action == "run" for step in steps)
    sweeping.note_counts(steps)
    if not total:
        return {}
    with progress.shown(total) as shown:
        cluster = Cluster(connection, source, shown, isolation)
        return cluster.carry_out([_share(part, maker, cluster) for part in parts])


def _share(part: Part, maker: Maker, cluster: Cluster) -> Share:
    to_run = [step for step in part.steps if step.action == "run"]
    jobs, unlocked = maker.jobs(to_run)
    share = Share(made_on=part.made_on, store=part.store, jobs=(), tally=part.tally)
    for each in unlocked:
        cluster.refuse(share, each.job, each.error)
    able = tuple(job for job in jobs if _has_lock(cluster, share, job))
    if able:
        runs = sum(len(job.runs) for job in able)
        console.detail(f"{part.made_on.machine}: {counted(runs, 'run')}")
    return Share(made_on=part.made_on, store=part.store, jobs=able, tally=part.tally)


def _has_lock(cluster: Cluster, share: Share, job: Job) -> bool:
    """Whether the job's lock is stored beside the results, which name it by its digest only."""
    try:
        locks.lock_of(job, share.store)
    except HarnessError as error:
        cluster.refuse(share, job, error)
        return False
    return True
