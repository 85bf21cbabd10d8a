"""The work that one machine has left, and in what assignments it is given away."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import replace

from harness.protocol.job import Job, Run

RunKey = tuple[str, int]
"""The cell and the repeat of a run."""

_LEAST_PER_CPU = 8
"""An assignment costs a process and an import of TensorFlow, so it has some runs for each CPU."""


class WorkQueue:
    """Jobs, given away in assignments that get smaller as the end comes near."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs = deque(jobs)
        self._total = self.left

    @property
    def left(self) -> int:
        """How many runs nobody has."""
        return sum(len(job.runs) for job in self._jobs)

    def take(self, cpus: int, all_cpus: int) -> list[Job]:
        """Work for a worker that has so many of all the CPUs; nothing where none is left.

        Its share of the whole where that is hardly worth several processes; else half of its share
        of what is left, but enough to be worth one, unless the end is near.
        """
        share, worth = min(1.0, cpus / max(1, all_cpus)), _LEAST_PER_CPU * cpus
        if self._total * share <= worth:
            wanted = math.ceil(self._total * share)
        else:
            least = min(worth, math.ceil(2 * self.left * share))
            wanted = max(least, math.ceil(self.left * share / 2))
        assignment: list[Job] = []
        while self._jobs and wanted > 0:
            job = self._jobs.popleft()
            first, rest = _split(job, wanted)
            assignment.append(first)
            wanted -= len(first.runs)
            if rest is not None:
                self._jobs.appendleft(rest)
        return assignment

    def give_back(self, jobs: Iterable[Job], without: Collection[RunKey]) -> None:
        """Take back the runs of an assignment that are not over; they come first again."""
        for job in reversed(list(jobs)):
            runs = tuple(run for run in job.runs if (run.cell, run.repeat) not in without)
            if runs:
                self._jobs.appendleft(replace(job, runs=runs))

    def clear(self) -> int:
        """Forget what nobody has; how many runs that were."""
        left = self.left
        self._jobs.clear()
        return left


def _split(job: Job, count: int) -> tuple[Job, Job | None]:
    """The first `count` runs of a job, or a few more, and the rest.

    The repeats of a cell that share a working folder stay together.
    """
    end = count
    while end < len(job.runs) and _go_together(job, job.runs[end - 1], job.runs[end]):
        end += 1
    if end >= len(job.runs):
        return job, None
    return replace(job, runs=job.runs[:end]), replace(job, runs=job.runs[end:])


def _go_together(job: Job, one: Run, other: Run) -> bool:
    script = job.scripts.get(one.workload)
    return script is not None and script.keeps_folder and one.cell == other.cell
