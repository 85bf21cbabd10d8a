"""Warm and shared: the same bits as cold and alone, and an audit that can fail."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import harness

from harness.cli import app, wiring
from harness.executors import staging
from harness.executors.audits import NOT_CONFINED

Hashes = dict[tuple[str, int], tuple[str, str, str]]
pytestmark = pytest.mark.tensorflow

FORKED_OTHERWISE = """

import os

_build = build


def build(*shapes):
    import tensorflow as tf

    # A process of its own leads its group; a forked run's group is led by what supervises it.
    if os.getpgrp() != os.getpid():
        tf.random.set_seed(7)
    return _build(*shapes)
"""


def processes(results: Path) -> list[dict[str, Any]]:
    records = [json.loads(path.read_text()) for path in sorted(results.glob("*/*/*/[0-9].json"))]
    return [{**record["process"], "audit": record["audit"]} for record in records]


@pytest.fixture
def load() -> Iterator[None]:
    """A CPU busy with something else."""
    burner = multiprocessing.Process(target=_burn, daemon=True)
    burner.start()
    yield
    burner.kill()


def _burn() -> None:
    while True:
        pass


@pytest.mark.parametrize(
    ("isolation", "only", "runs"), [("auto", "*", 8), ("fresh", "*threads=1,*", 4)]
)
def test_side_by_side_under_load_leaves_the_bits_of_runs_made_one_by_one(
    matrix: Path,
    tmp_path: Path,
    load: None,
    one_by_one: Hashes,
    hashes: Callable[[Path], Hashes],
    isolation: str,
    only: str,
    runs: int,
) -> None:
    results = tmp_path / "results"
    more = ("--isolation", isolation, "--only", only)
    ended = harness("run", matrix, "--engine", "local", "--results", results, *more)
    assert ended.code == 0, ended.err
    found = hashes(results)
    assert len(found) == runs
    assert found.items() <= one_by_one.items()
    ways = {process["isolation"] for process in processes(results)}
    assert ways <= {"fresh", "forked"} if isolation == "auto" else ways == {isolation}


def test_a_workload_that_differs_when_forked_turns_forking_off(
    matrix: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    one_by_one: Hashes,
    hashes: Callable[[Path], Hashes],
) -> None:
    right = staging._sources()
    spoilt = [_spoilt(*source, mark=str(tmp_path)) for source in right]
    monkeypatch.setattr(staging, "_sources", lambda: spoilt)
    # Of this code no audit is remembered.
    monkeypatch.setattr(wiring, "code_sha256", lambda workload, axes: f"{tmp_path} {workload}")
    only = ["--only", "mnist-mlp,*threads=1,*"]
    arguments = ["run", str(matrix), "--engine", "local", *only, "--results"]
    app([*arguments, str(tmp_path / "auto")], standalone_mode=False)
    assert "forking and traces are off for tf2.15.1,py3.11,cpu" in capfd.readouterr().err
    found = processes(tmp_path / "auto")
    assert {process["isolation"] for process in found} == {"fresh"}
    assert {process["audit"]["state"] for process in found} >= {"failed"}

    app([*arguments, str(tmp_path / "forked"), "--isolation", "forked"], standalone_mode=False)
    assert hashes(tmp_path / "auto").items() <= one_by_one.items()
    assert hashes(tmp_path / "forked").items().isdisjoint(one_by_one.items())


def test_runs_that_cannot_be_kept_apart_are_not_forked(
    matrix: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    one_by_one: Hashes,
    hashes: Callable[[Path], Hashes],
) -> None:
    kernel = b"\n\ndef confine(own, shared):\n    return 'not confined: an old kernel'\n"
    sources = [
        (name, data + kernel if name == "runner/confining.py" else data)
        for name, data in staging._sources()
    ]
    monkeypatch.setattr(staging, "_sources", lambda: sources)
    monkeypatch.setattr(wiring, "code_sha256", lambda workload, axes: f"{tmp_path} {workload}")
    only = ["--only", "mnist-mlp,*threads=1,*"]
    app(
        ["run", str(matrix), "--engine", "local", *only, "--results", str(tmp_path / "auto")],
        standalone_mode=False,
    )
    assert f"forking is off: {NOT_CONFINED}" in capfd.readouterr().err
    found = processes(tmp_path / "auto")
    assert {process["isolation"] for process in found} == {"fresh"}
    assert {process["audit"]["sentence"] for process in found} >= {NOT_CONFINED}
    assert hashes(tmp_path / "auto").items() <= one_by_one.items()


def _spoilt(name: str, data: bytes, mark: str) -> tuple[str, bytes]:
    if name != "runner/workloads/mnist_mlp.py":
        return name, data
    return name, data + f"{FORKED_OTHERWISE}# {mark}\n".encode()
