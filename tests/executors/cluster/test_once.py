"""Every run once, whatever becomes of workers, scheduler and client; trainings only sleep."""

from __future__ import annotations

import json
import re
import signal
import time
from pathlib import Path

import pandas as pd
import pytest
from commands import harness, start
from distributed import Client, Scheduler
from simulated_cluster import Cluster, records, until_recorded

import harness as program

pytestmark = pytest.mark.slow

Sleeping = tuple[Path, Cluster]


def statuses(results: Path) -> dict[str, int]:
    return {str(k): int(v) for k, v in program.load(results)["status"].value_counts().items()}


def arguments(matrix: Path, cluster: Cluster, results: Path) -> tuple[str | Path, ...]:
    return ("run", matrix, "--on", cluster.address, "--results", results)


def test_repeats_are_not_merged_and_no_run_is_done_twice(
    sleeping: Sleeping, tmp_path: Path
) -> None:
    matrix, cluster = sleeping
    for name in "abc":
        cluster.sleeper(name, 0.1)
    results = tmp_path / "results"
    ended = harness(*arguments(matrix, cluster, results))
    assert ended.code == 0, ended.err
    assert statuses(results) == {"completed": 12}
    assert len(cluster.begun) == 12 and set(cluster.begun.values()) == {1}
    written = records(results)

    again = harness(*arguments(matrix, cluster, results))
    assert again.code == 0 and "0 runs to do, 12 done before" in again.err
    assert records(results) == written
    assert harness("check", results).code == 0


def test_a_run_whose_worker_is_killed_is_killed_once_and_the_rest_goes_on_elsewhere(
    sleeping: Sleeping, tmp_path: Path
) -> None:
    matrix, cluster = sleeping
    for name in "abc":
        cluster.sleeper(name, 1.0)
    results = tmp_path / "results"
    process = start(*arguments(matrix, cluster, results))
    # The same worker is started again, and killed again.
    for count in (2, 5):
        until_recorded(results, count, process)
        cluster.end("a")
        time.sleep(0.5)
        cluster.sleeper("a", 1.0)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 7 and "Traceback" not in err, err
    frame = program.load(results)
    killed = frame[frame["status"] == "killed"]
    assert statuses(results) == {"completed": 12 - len(killed), "killed": len(killed)}
    assert 1 <= len(killed) <= 2
    assert set(killed["reason"]) == {"the worker a was lost"}
    assert set(cluster.begun.values()) == {1} and len(cluster.begun) == 12

    again = harness(*arguments(matrix, cluster, results))
    assert again.code == 0, again.err
    assert statuses(results) == {"completed": 12}
    twice = {run for run, count in cluster.begun.items() if count > 1}
    assert twice == {f"{row.cell} #{row.repeat}" for row in killed.itertuples()}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda s: s.name)
def test_a_client_that_goes_and_comes_back_goes_on_where_it_was(
    sleeping: Sleeping, tmp_path: Path, number: signal.Signals
) -> None:
    matrix, cluster = sleeping
    for name in "ab":
        cluster.sleeper(name, 0.5)
    results = tmp_path / "results"
    process = start(*arguments(matrix, cluster, results))
    until_recorded(results, 3, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == (130 if number is signal.SIGINT else -9)
    assert "Traceback" not in err
    kept = records(results)

    again = harness(*arguments(matrix, cluster, results))
    assert again.code == 0, again.err
    assert statuses(results) == {"completed": 12}
    after = records(results)
    assert {path: after[path] for path in kept} == kept
    # Two workers had one run each under way, and may have begun another before they knew.
    assert sum(cluster.begun.values()) <= 12 + 4


def test_after_the_scheduler_is_back_the_same_command_goes_on(
    sleeping: Sleeping, tmp_path: Path
) -> None:
    matrix, cluster = sleeping
    for name in "ab":
        cluster.sleeper(name, 0.5)
    results = tmp_path / "results"
    process = start(*arguments(matrix, cluster, results))
    until_recorded(results, 3, process)
    cluster.end("scheduler")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 5 and "the scheduler is gone" in err, err
    assert "Traceback" not in err
    kept = records(results)

    cluster.scheduler()
    again = harness(*arguments(matrix, cluster, results))
    assert again.code == 0, again.err
    assert statuses(results) == {"completed": 12}
    after = records(results)
    assert {path: after[path] for path in kept} == kept


def test_a_worker_that_is_interrupted_leaves_its_work_to_others(
    sleeping: Sleeping, tmp_path: Path
) -> None:
    matrix, cluster = sleeping
    for name in "ab":
        cluster.sleeper(name, 0.5)
    results = tmp_path / "results"
    process = start(*arguments(matrix, cluster, results))
    until_recorded(results, 2, process)
    cluster.end("a", signal.SIGINT)
    assert cluster.processes["a"].returncode == 0, cluster.said("a")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert statuses(results) == {"completed": 12}
    assert sum(cluster.begun.values()) <= 13, "what was under way, and nothing else"


def test_a_machine_without_workers_is_waited_for_a_while_and_not_for_ever(
    sleeping: Sleeping, tmp_path: Path
) -> None:
    matrix, cluster = sleeping
    cluster.sleeper("a", 0.5)
    results = tmp_path / "results"
    process = start(*arguments(matrix, cluster, results))
    until_recorded(results, 1, process)
    cluster.end("a")
    _, err = process.communicate(timeout=180)
    assert process.returncode == 5 and "no worker" in err, err
    assert statuses(results)["killed"] == 1 and set(cluster.begun.values()) == {1}


def test_a_worker_that_fails_gets_no_more_work_and_says_why(
    sleeping: Sleeping, tmp_path: Path
) -> None:
    matrix, cluster = sleeping
    cluster.sleeper("good", 0.1)
    prepared, cluster.prepared = cluster.prepared, tmp_path / "nowhere"
    cluster.sleeper("broken", 0.1)
    cluster.prepared = prepared
    time.sleep(4)
    ended = harness(*arguments(matrix, cluster, tmp_path / "results"))
    assert ended.code == 0, ended.err
    assert statuses(tmp_path / "results") == {"completed": 12}
    assert "broken gets no more work: FileNotFoundError" in ended.err


def test_a_worker_that_is_busy_is_not_taken_for_lost(sleeping: Sleeping, tmp_path: Path) -> None:
    matrix, cluster = sleeping
    cluster.end("scheduler")
    # Dask itself gives a worker up after ten of its heartbeats.
    cluster.scheduler(variables={"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "1s"})
    stopped = cluster.sleeper("a", 0.3)
    results = tmp_path / "results"
    process = start(*arguments(matrix, cluster, results))
    until_recorded(results, 2, process)
    stopped.send_signal(signal.SIGSTOP)
    time.sleep(10)
    stopped.send_signal(signal.SIGCONT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert set(cluster.begun.values()) == {1}


def test_what_a_worker_cannot_do_is_no_endless_wait(sleeping: Sleeping, tmp_path: Path) -> None:
    matrix, cluster = sleeping
    matrix.write_text(matrix.read_text() + "machines: [{cpus: 2}, {gpu: H100}]\n")
    cluster.sleeper("a", 0.1)
    results = tmp_path / "results"
    ended = harness(*arguments(matrix, cluster, results))
    assert ended.code == 0, ended.err
    frame = program.load(results)
    assert frame["status"].value_counts().to_dict() == {"completed": 12, "unavailable": 12}
    reasons = set(frame.loc[frame["status"] == "unavailable", "reason"])
    assert len(reasons) == 1 and "gpu=H100" in reasons.pop()
    assert harness("check", results).code == 0
    assert set(cluster.begun.values()) == {1}
    rows = json.loads(harness("table", results, "--by", "cell", "--format", "json").out)
    assert {row["machine"] for row in rows} >= {"absent-gpu-h100"}


def test_a_worker_that_only_seemed_lost_stops_what_others_do_by_now(
    sleeping: Sleeping, tmp_path: Path
) -> None:
    matrix, cluster = sleeping
    for name in "ab":
        cluster.sleeper(name, 1.0)
    results = tmp_path / "results"
    process = start(*arguments(matrix, cluster, results))
    until_recorded(results, 2, process)
    # The scheduler drops it, as it would where the network fails; the worker itself lives on.
    with Client(cluster.address, set_as_default=False) as client:
        names = {one["name"]: at for at, one in client.scheduler_info()["workers"].items()}
        client.run_on_scheduler(_remove, names["a"])
    _, err = process.communicate(timeout=120)
    assert process.returncode == 7, err
    counts = statuses(results)
    assert counts == {"completed": 11, "killed": 1}
    assert harness(*arguments(matrix, cluster, results)).code == 0
    assert statuses(results) == {"completed": 12}
    # What was under way when it was dropped, and what it began before it knew.
    assert sum(cluster.begun.values()) <= 12 + 2


async def _remove(address: str, dask_scheduler: Scheduler) -> None:
    await dask_scheduler.remove_worker(address, stimulus_id="test", close=False)


def test_a_plan_says_what_each_machine_would_do_and_writes_nothing(
    sleeping: Sleeping, tmp_path: Path
) -> None:
    matrix, cluster = sleeping
    matrix.write_text(matrix.read_text() + "machines: [{cpus: 2}, {gpu: H100}]\n")
    cluster.sleeper("a", 0.1)
    results = tmp_path / "results"
    what = (matrix, "--on", cluster.address, "--results", results)
    planned = harness("plan", *what, "--format", "json")
    assert planned.code == 0, planned.err
    before = pd.DataFrame(json.loads(planned.out))
    assert before["action"].value_counts().to_dict() == {"run": 12, "unavailable": 12}
    assert not results.exists() and not cluster.begun

    assert harness("run", *what).code == 0
    said = harness("run", *what, "--dry-run")
    assert said.code == 0 and re.search(r": 12 runs unavailable\n.*: 12 runs done\n", said.err)
    (machine,) = set(before.loc[before["action"] == "run", "machine"])
    assert (results / "sleeping" / machine).is_dir() and len(cluster.begun) == 12
    refused = harness("plan", matrix, "--on", "slurm")
    assert refused.code == 2 and "not known before its jobs run" in refused.err
