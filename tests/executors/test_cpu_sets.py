"""CPU sets: never shared, never more runs than memory allows, nobody starved."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness.executors.cpu_sets import AbandonedError, CpuSets, SharedCpuSets, cpus_for


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


SHARING = """
import sys, threading, time
from pathlib import Path
from harness.executors.cpu_sets import SharedCpuSets
folder = Path(sys.argv[1])
sets = SharedCpuSets((0, 1, 2), 3, folder, threading.Event())
for count in (1, 2, 3, 1, 2) * 4:
    with sets.reserve(count) as cpus:
        for cpu in cpus:
            (folder / f"held-{cpu}").open("x").close()
        time.sleep(0.005)
        for cpu in cpus:
            (folder / f"held-{cpu}").unlink()
"""


@pytest.mark.slow
def test_processes_that_share_the_locks_share_no_cpu(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SHARING, str(tmp_path)]
    started = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for process in started:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    # Without common locks, one file for all of them is soon opened by two.
    apart = [[*command[:2], SHARING.replace("folder, threading", "Path(sys.argv[2]), threading")]]
    others = [tmp_path / name for name in "ab"]
    for other in others:
        other.mkdir()
    started = [
        subprocess.Popen([*apart[0], str(tmp_path), str(other)], stderr=subprocess.PIPE, text=True)
        for other in others
    ]
    codes = [(process.communicate(timeout=120), process.returncode)[1] for process in started]
    assert any(codes)


def test_the_cpus_of_a_process_that_is_gone_are_free(tmp_path: Path) -> None:
    code = SHARING.replace("time.sleep(0.005)", "import os; os.kill(os.getpid(), 9)")
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == -9
    with SharedCpuSets((0, 1, 2), 3, tmp_path, threading.Event()).reserve(3) as cpus:
        assert cpus == (0, 1, 2)


def test_waiting_for_what_another_process_has_can_be_given_up(tmp_path: Path) -> None:
    abandoned = threading.Event()
    others = SharedCpuSets((0,), 1, tmp_path, threading.Event())
    own = SharedCpuSets((0,), 1, tmp_path, abandoned)
    with others.reserve(1):
        threading.Timer(0.1, abandoned.set).start()
        with pytest.raises(AbandonedError), own.reserve(1):
            pass


def test_memory_bounds_how_many_run_in_all_processes(tmp_path: Path) -> None:
    abandoned = threading.Event()
    sets = [SharedCpuSets((0, 1, 2), 1, tmp_path, abandoned) for _ in range(2)]
    with sets[0].reserve(1):
        abandoned.set()
        with pytest.raises(AbandonedError), sets[1].reserve(1):
            pass
    with pytest.raises(ValueError, match="there are 3"), sets[0].reserve(4):
        pass
