"""Whole sweeps with a real TensorFlow on the local engine."""

from __future__ import annotations

import csv
import io
import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from commands import Ended, harness, start

import harness as program
from harness.analysis.columns import RUN_COLUMNS

pytestmark = pytest.mark.tensorflow

Hashes = dict[tuple[str, int], tuple[str, str, str]]


def run(matrix: Path, results: Path, *more: str) -> Ended:
    return harness("run", matrix, "--engine", "local", "--results", results, *more)


def record_files(results: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in results.glob("*/*/*/[0-9]*.json")}


def test_a_sweep_leaves_a_record_per_run_and_a_second_one_does_nothing(
    matrix: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    only = ("--only", "*threads=1,epochs*")
    first = run(matrix, results, *only)
    assert first.code == 0, first.err
    assert "mnist-mlp" in first.out and "co2-conv" in first.out
    found = record_files(results)
    assert len(found) == 2

    second = run(matrix, results, *only)
    assert second.code == 0 and "0 runs to do, 2 done before" in second.err
    assert second.out == "" and "nothing to do; harness table" in second.err
    assert record_files(results) == found

    again = run(matrix, results, "--again", "mnist-mlp*threads=1,epochs*")
    assert again.code == 0 and "1 run to do, 0 done before" in again.err, again.err
    assert len(list(results.glob("*/*/mnist-mlp*/1.superseded-*.json"))) == 1
    assert len(record_files(results)) == 3, "the record, and the one that was put aside"

    rows = list(
        csv.DictReader(io.StringIO(harness("table", results, "--by", "run", "--format", "csv").out))
    )
    assert len(rows) == 8
    assert list(rows[0]) == [column.name for column in RUN_COLUMNS]
    assert sorted(row["status"] for row in rows) == ["completed"] * 2 + ["pending"] * 6
    plan = json.loads(harness("plan", matrix, "--results", results, *only, "--format", "json").out)
    assert {row["action"] for row in plan} == {"done"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda s: s.name)
def test_an_interrupted_sweep_goes_on_where_it_was(
    matrix: Path,
    tmp_path: Path,
    number: signal.Signals,
    one_by_one: Hashes,
    hashes: Callable[[Path], Hashes],
) -> None:
    results = tmp_path / "results"
    process = start(
        "run", matrix, "--engine", "local", "--results", results, "--isolation", "forked"
    )
    deadline = time.monotonic() + 300
    while len(record_files(results)) < 3:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    started = psutil.Process(process.pid).children(recursive=True)
    assert any("-m harness.runner" in " ".join(each.cmdline()) for each in started)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == (130 if number is signal.SIGINT else -9)
    assert "Traceback" not in err
    kept = record_files(results)
    _, alive = psutil.wait_procs(started, timeout=15)
    assert not alive

    again = run(matrix, results, "--isolation", "forked")
    assert again.code == 0, again.err
    after = record_files(results)
    assert len(after) == 8
    assert {path: after[path] for path in kept} == kept
    assert hashes(results) == one_by_one


def test_a_run_that_needs_too_long_or_too_much_is_recorded_and_the_rest_goes_on(
    matrix: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    only = ("--only", "mnist-mlp*threads=1*")
    ended = run(matrix, results, *only, "--timeout", "1", "--isolation", "fresh")
    assert ended.code == 7 and "timeout" in ended.err
    frame = program.load(results)
    counts = frame["status"].value_counts().to_dict()
    assert counts == {"timeout": 2, "pending": 6}
    small = run(matrix, results, *only, "--memory", "100M", "--timeout", "100")
    assert small.code == 7
    assert program.load(results)["status"].value_counts().to_dict() == {
        "out_of_memory": 2,
        "pending": 6,
    }
    assert run(matrix, results, *only).code == 0
    superseded = list(results.glob("*/*/*/*.superseded-*.json"))
    assert len(superseded) == 4, "what was recorded before is kept aside"


def test_an_environment_that_cannot_be_had_does_not_stop_the_rest(
    matrix: Path, tmp_path: Path
) -> None:
    matrix.write_text(matrix.read_text().replace("2.15.1", "[2.12.1, 2.15.1]"))
    lock = matrix.parent / "locks" / "tf2.12.1,py3.11,cpu.txt"
    wheel = next(line for line in lock.read_text().splitlines() if line.startswith("numpy=="))
    sha256 = wheel.partition("sha256:")[2][:64]
    lock.write_text(lock.read_text().replace(sha256, sha256[:-4] + "0000"))
    results = tmp_path / "results"
    ended = run(matrix, results, "--only", "mnist-mlp*threads=1,*samples=256")
    assert ended.code == 4 and "numpy" in ended.err and "Traceback" not in ended.err
    frame = program.load(results)
    by_version = frame.groupby("tensorflow")["status"].value_counts().to_dict()
    assert by_version["2.15.1", "completed"] == 2
    assert by_version["2.12.1", "unavailable"] == 2
    reasons = frame.loc[frame["status"] == "unavailable", "reason"]
    assert all("numpy" in reason for reason in reasons)
