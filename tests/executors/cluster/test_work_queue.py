"""Assignments: disjoint, complete, smaller towards the end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.executors.cluster.work_queue import WorkQueue
from harness.protocol.job import Job, Run
from harness.protocol.script import Script

JOB = Job(
    matrix="m",
    environment={},
    lock="",
    variables={},
    consent=(),
    data={},
    scripts={},
    timeout_s=1.0,
    memory_bytes=1,
    runs=(),
)


def job(cells: int, repeats: int = 1, name: str = "c") -> Job:
    runs = (
        Run(cell=f"{name}{cell}", repeat=repeat, settings={"workload": "w"})
        for cell in range(cells)
        for repeat in range(1, repeats + 1)
    )
    return replace(JOB, runs=tuple(runs))


def keys(jobs: list[Job]) -> list[tuple[str, int]]:
    return [(run.cell, run.repeat) for job in jobs for run in job.runs]


@pytest.mark.parametrize("workers", [1, 3, 64])
@pytest.mark.parametrize("cells", [1, 7, 500])
def test_every_run_is_given_once_and_pieces_get_smaller(workers: int, cells: int) -> None:
    jobs = [job(cells, 2, "a"), job(3, 1, "b")]
    work = WorkQueue(jobs)
    assignments = []
    while assignment := work.take(1, workers):
        assignments.append(keys(assignment))
    assert [key for assignment in assignments for key in assignment] == keys(jobs)
    sizes = [len(assignment) for assignment in assignments]
    assert sizes[:-1] == sorted(sizes[:-1], reverse=True)
    assert sizes[0] <= -(-(2 * cells + 3) // workers) + 1, "no more than a worker's share"
    assert work.take(1, workers) == [] and work.left == 0


def test_a_worker_with_more_cpus_gets_more() -> None:
    work = WorkQueue([job(1000)])
    small, large = len(keys(work.take(2, 20))), len(keys(work.take(18, 20)))
    assert large > 5 * small


def test_what_comes_back_comes_first_and_without_what_is_over() -> None:
    work = WorkQueue([job(40)])
    assignment = work.take(1, 4)
    given = keys(assignment)
    work.give_back(assignment, {given[0], given[3]})
    expected = [key for key in given if key not in (given[0], given[3])]
    assert keys(work.take(1, 1))[: len(expected)] == expected


def test_repeats_that_share_a_folder_stay_together() -> None:
    script = Script(name="w", path="a.py", module="", folder_sha256="0" * 64, keeps_folder=True)
    work = WorkQueue([replace(job(5, 7), scripts={"w": script})])
    apart = WorkQueue([job(5, 7)])
    assignments, others = [], []
    while assignment := work.take(1, 8):
        assignments.append(keys(assignment))
    while assignment := apart.take(1, 8):
        others.append(keys(assignment))
    owners = [cell for assignment in assignments for cell in {cell for cell, _ in assignment}]
    assert len(owners) == len(set(owners))
    others_owners = [cell for assignment in others for cell in {cell for cell, _ in assignment}]
    assert len(others_owners) > len(set(others_owners)), "without it they are divided"
