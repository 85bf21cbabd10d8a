"""The jobs in which workers run: what SLURM says of them, and new ones for those that ended."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import console, processes
from harness.errors import EngineError
from harness.processes import ProcessFailedError
from harness.protocol import untrusted

NEVER = {
    "BadConstraints",
    "DependencyNeverSatisfied",
    "InvalidAccount",
    "InvalidQOS",
    "PartitionNodeLimit",
    "PartitionTimeLimit",
}
"""Reasons to be pending that time does not remove."""

_LOOK_SECONDS, _MOST_LOOK_SECONDS = 1.0, 30.0
_STARTING_SECONDS = 30.0
"""So long the first worker waits for others whose jobs run already."""
_SPARE = 2
"""So many jobs in a row may follow one that ended without any run being over meanwhile."""


@dataclass(frozen=True, kw_only=True)
class QueuedJob:
    """A job as `squeue` has it: a state such as PENDING, and the reason for it."""

    state: str
    reason: str

    def __str__(self) -> str:
        known = self.reason not in ("", "None")
        return f"{self.state.lower()} ({self.reason})" if known else self.state.lower()


@dataclass(kw_only=True)
class _Job:
    """A job that was sent; whether its worker has come, or never did."""

    id: str
    name: str
    sent: float
    joined: bool = False
    failed: bool = False


class SlurmJobs:
    """Keeps `count` jobs going, one worker in each; `cluster` is a `dask_jobqueue.SLURMCluster`.

    While there is work, a job that ended is followed by another one, but not where its worker never
    came, nor time and again where workers do not get to anything.
    """

    def __init__(self, cluster: Any, count: int, logs: Path) -> None:
        self._cluster = cluster
        self._count = count
        self._logs = logs
        self._jobs: dict[str, _Job] = {}
        self._spare = (1 + _SPARE) * count
        self._queue: dict[str, QueuedJob] = {}
        self._looked = 0.0
        self._pause = _LOOK_SECONDS
        self._first_present: float | None = None
        self._said = ""

    def keep_up(self, present: Collection[str]) -> None:
        """See `WorkerSource.keep_up`."""
        for job in self._current():
            job.joined = job.joined or job.name in present
        if self._spare > 0:
            self._cluster.scale(self._count)

    def progressed(self) -> None:
        """See `WorkerSource.progressed`."""
        self._spare = max(self._spare, _SPARE * self._count)

    def awaits(self, present: Collection[str]) -> bool:
        """See `WorkerSource.awaits`."""
        self.keep_up(present)
        self._look()
        coming = self._coming()
        self._say(coming)
        if not present:
            self._first_present = None
            self._require_some(coming)
            return True
        if self._first_present is None:
            self._first_present = time.monotonic()
        some_start = any(job.state != "PENDING" for job in coming.values())
        return some_start and time.monotonic() - self._first_present < _STARTING_SECONDS

    def _current(self) -> list[_Job]:
        """The jobs that Dask takes for alive, new ones announced."""
        current = []
        for name, sent in dict(self._cluster.workers).items():
            if sent.refusal:
                raise EngineError(f"SLURM does not take the job: {sent.refusal}")
            if sent.job_id and sent.job_id not in self._jobs:
                job = _Job(id=sent.job_id, name=name, sent=time.monotonic())
                self._jobs[job.id] = job
                self._spare -= 1
                self._pause = _LOOK_SECONDS
                console.note(f"{name} is to run in job {job.id} of SLURM")
            if sent.job_id:
                current.append(self._jobs[sent.job_id])
        return current

    def _look(self) -> None:
        """See what SLURM says, less and less often: it has many users to answer."""
        if time.monotonic() - self._looked < self._pause:
            return
        self._pause = min(2 * self._pause, _MOST_LOOK_SECONDS)
        fields = ("--noheader", "--format", "%i|%T|%r")
        looked = time.monotonic()
        try:
            said = processes.run(["squeue", "--user", str(os.getuid()), *fields])
        except ProcessFailedError as error:
            console.note(str(error))
            return
        rows = (line.strip().split("|") for line in said.splitlines())
        self._queue = {row[0]: QueuedJob(state=row[1], reason=row[2]) for row in rows if row[2:]}
        self._looked = looked

    def _coming(self) -> dict[str, QueuedJob]:
        """The jobs whose workers have not come yet, by id; those that never will are said once."""
        coming = {}
        for job in self._current():
            if job.joined or job.failed:
                continue
            if job.id in self._queue or job.sent > self._looked:
                sent = QueuedJob(state="PENDING", reason="sent")
                coming[job.id] = self._queue.get(job.id, sent)
            else:
                job.failed = True
                said = f"{job.name}: job {job.id} ended before its worker came"
                console.note(f"{said}{self._last_words(job.id)}")
        return coming

    def _last_words(self, job_id: str) -> str:
        """The last line of the job's log."""
        for path in sorted(self._logs.glob(f"*-{job_id}*.err")):
            last = untrusted.tail(path).strip().rpartition("\n")[2]
            if last:
                return f": {last}"
        return ""

    def _say(self, coming: Mapping[str, QueuedJob]) -> None:
        """Say what is waited for, as often as it changes."""
        what = ", ".join(f"{job_id} {job}" for job_id, job in sorted(coming.items()))
        if what and what != self._said:
            console.note(f"waiting for jobs of SLURM: {what}")
        self._said = what

    def _require_some(self, coming: Mapping[str, QueuedJob]) -> None:
        """Make sure that a worker can come.

        Raises:
            EngineError: none can.
        """
        for job_id, job in coming.items():
            if job.state == "PENDING" and job.reason in NEVER:
                raise EngineError(
                    f"SLURM will never start job {job_id}: {job.reason}; change the options"
                )
        current = self._current()
        all_failed = len(current) == self._count and all(job.failed for job in current)
        if all_failed or (not coming and self._spare <= 0):
            raise EngineError(
                "the jobs ended and left no worker; see above (log_directory in the options keeps "
                "what they print)"
            )
