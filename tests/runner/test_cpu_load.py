"""The load beside a run: one process per CPU, which ends with the run, however that ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import harness
from harness.runner import cpu_load

ROOT = Path(harness.__file__).parents[1]
BEGIN = """
import json, sys, time
from harness.runner import cpu_load
load = cpu_load.begin()
print(json.dumps([load.starter.pid, *load.pids]), flush=True)
"""
HANG = BEGIN + "time.sleep(600)\n"
END = (
    BEGIN + "time.sleep(0.1)\nprint(json.dumps(cpu_load.finding(cpu_load.end(load))), flush=True)\n"
)


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_is_a_process_on_each_cpu_that_competes() -> None:
    load = cpu_load.begin()
    try:
        started = [psutil.Process(pid) for pid in load.pids]
        assert [each.cpu_affinity() for each in started] == [
            [cpu] for cpu in sorted(os.sched_getaffinity(0))
        ]
        assert {each.nice() for each in started} == {psutil.Process().nice()}
        assert {os.sched_getscheduler(pid) for pid in load.pids} == {os.SCHED_OTHER}
    finally:
        loaded = cpu_load.end(load)
    assert len(loaded.used) == len(load.pids)
    assert not [pid for pid in (load.starter.pid, *load.pids) if lives(pid)]


def test_it_works_under_every_python(any_python: Path) -> None:
    done = subprocess.run(
        [any_python, "-c", END], cwd=ROOT, capture_output=True, text=True, check=True
    )
    pids, (value, how) = map(json.loads, done.stdout.splitlines())
    assert value == "busy", how
    assert not [pid for pid in pids if lives(pid)]


@pytest.mark.parametrize("victim", [None, 0], ids=["who asked for it", "what started it"])
def test_it_ends_with_what_is_killed(any_python: Path, victim: int | None) -> None:
    hanging = subprocess.Popen([any_python, "-c", HANG], cwd=ROOT, stdout=subprocess.PIPE)
    assert hanging.stdout is not None
    pids = json.loads(hanging.stdout.readline())
    assert len(pids) > 1 and all(map(lives, pids))
    os.kill(hanging.pid if victim is None else pids[victim], signal.SIGKILL)
    wait_until(lambda: not [pid for pid in pids if lives(pid)])
    hanging.kill()
    hanging.wait()
    hanging.stdout.close()


@pytest.mark.parametrize("signum", [signal.SIGSTOP, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_load_that_did_not_last_is_none_that_counts(signum: signal.Signals) -> None:
    load = cpu_load.begin()
    os.kill(load.pids[0], signum)
    wait_until(lambda: psutil.Process(load.pids[0]).status() != psutil.STATUS_RUNNING)
    value, how = cpu_load.finding(cpu_load.end(load))
    assert value == "other" and ": none" in how


def test_where_none_could_be_started_it_is_not_busy() -> None:
    assert cpu_load.finding(cpu_load.Loaded(1.0, [], is_known=True))[0] == "other"
    assert cpu_load.finding(None)[0] == "none"


def test_what_the_system_does_not_say_is_unknown() -> None:
    assert cpu_load.finding(cpu_load.Loaded(1.0, [None], is_known=False))[0] is None
