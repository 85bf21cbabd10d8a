"""Work: its order, and when another warm process may be started."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest

from harness.executors.scheduling import Work, Workers


def test_what_is_left_is_done_by_rank() -> None:
    done: list[int] = []
    workers = Workers(1)
    for number in (3, 1, 2):
        workers.run(Work(rank=(number,), function=partial(int, number), after=done.append))
    workers.attend(lambda: True)
    workers.close()
    assert done == [1, 2, 3]


def test_what_follows_may_bring_more_work() -> None:
    done: list[str] = []
    workers = Workers(2)

    def warmed(_: None) -> None:
        workers.run(Work(rank=(0, 1), function=lambda: "run", after=done.append))

    workers.warm_up(Work(rank=(0, 0), function=lambda: None, after=warmed))
    workers.attend(lambda: True)
    workers.close()
    assert done == ["run"]


def test_two_warm_processes_start_side_by_side() -> None:
    both = threading.Barrier(2, timeout=30)
    workers = Workers(2)
    for group in (0, 1):
        workers.warm_up(Work(rank=(group, 0), function=both.wait, after=lambda _: None))
    workers.attend(lambda: True)
    workers.close()
    assert not both.broken


def test_without_room_a_warm_process_waits_for_runs_to_end() -> None:
    done: list[str] = []
    workers = Workers(2)
    workers.warm_up(Work(rank=(0, 0), function=lambda: "import", after=done.append))
    workers.run(Work(rank=(1, 1), function=lambda: "run", after=done.append))
    workers.attend(lambda: "run" in done)
    workers.close()
    assert done == ["run", "import"]


def test_a_fault_in_work_ends_the_attendance() -> None:
    workers = Workers(1)
    workers.build(partial(int, "none"), lambda _: None)
    with pytest.raises(ValueError, match="none"):
        workers.attend(lambda: True)
    workers.close()


def test_spare_time_is_when_a_thread_is_idle_and_another_is_not() -> None:
    told: list[str] = []
    spare = threading.Event()
    workers = Workers(2)

    def run_in_spare_time() -> None:
        told.append("spare")
        spare.set()

    workers.in_spare_time(run_in_spare_time)

    def run(name: str) -> None:
        told.append(name)

    def last() -> None:
        # Goes on until the other thread had time to spare.
        assert spare.wait(30)
        told.append("last")

    all: list[Callable[[], None]] = [partial(run, "first"), partial(run, "second"), last]
    for rank, work in enumerate(all):
        workers.run(Work(rank=(rank,), function=work, after=lambda _: None))
    workers.attend(lambda: True)
    workers.close()
    assert sorted(told[:2]) == ["first", "second"]
    assert told[2:] == ["spare", "last"]


def test_without_spare_time_nothing_is_done_in_it() -> None:
    workers = Workers(1)
    workers.in_spare_time(lambda: pytest.fail("no time to spare"))
    workers.run(Work(rank=(0,), function=lambda: None, after=lambda _: None))
    workers.attend(lambda: True)
    workers.close()
