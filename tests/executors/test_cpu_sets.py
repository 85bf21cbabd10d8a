"""CPU sets: never shared, never more runs than memory allows, nobody starved."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from harness.executors.cpu_sets import CpuSets, cpus_for


def test_no_cpu_is_given_twice_and_all_come_back() -> None:
    sets = CpuSets((0, 1, 2, 3), slots=4)
    held: set[int] = set()
    lock = threading.Lock()

    def work(count: int) -> None:
        with sets.reserve(count) as cpus:
            with lock:
                assert len(cpus) == count and not held & set(cpus)
                held.update(cpus)
            time.sleep(0.001)
            with lock:
                held.difference_update(cpus)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, [1, 2, 4, 1, 3, 2, 1, 4] * 10))
    with sets.reserve(4) as cpus:
        assert cpus == (0, 1, 2, 3)


def test_memory_bounds_how_many_run() -> None:
    sets = CpuSets((0, 1, 2, 3), slots=2)
    now, most, lock = [0], [0], threading.Lock()

    def work(_: int) -> None:
        with sets.reserve(1):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            time.sleep(0.005)
            with lock:
                now[0] -= 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(20)))
    assert most[0] == 2


def test_a_run_that_needs_every_cpu_is_not_starved() -> None:
    sets = CpuSets((0, 1), slots=2)
    order: list[str] = []
    first = threading.Event()

    def small(name: str) -> None:
        with sets.reserve(1):
            first.set()
            time.sleep(0.05)
            order.append(name)

    def large() -> None:
        with sets.reserve(2):
            order.append("large")

    with ThreadPoolExecutor(4) as pool:
        pool.submit(small, "before")
        first.wait()
        pool.submit(large)
        time.sleep(0.01)
        pool.submit(small, "after")
    assert order == ["before", "large", "after"]


def test_a_run_gets_the_cpus_it_asks_for_else_one_per_thread_else_all() -> None:
    assert cpus_for({"cpus": 1, "threads": 4}, 8) == 1
    assert cpus_for({"cpus": "default", "threads": 2}, 8) == 2
    assert cpus_for({"cpus": "default", "threads": 2}, 1) == 1
    assert cpus_for({"cpus": "default", "threads": "default"}, 8) == 8
