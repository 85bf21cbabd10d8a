"""Warm and shared: the same bits as cold and alone, and an audit that can fail."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import harness

import harness as program
from harness.cli import app
from harness.sweep import staging

DATA = Path(__file__).parents[1] / "data" / "matrices"
pytestmark = pytest.mark.tensorflow

FORKED_OTHERWISE = """

import dataclasses
import os

_IMPORTED_IN = os.getpid()
_build = WORKLOAD.build


def _build_otherwise(*shapes):
    import tensorflow as tf

    if os.getpid() != _IMPORTED_IN:
        tf.random.set_seed(7)
    return _build(*shapes)


WORKLOAD = dataclasses.replace(WORKLOAD, build=_build_otherwise)
"""


@pytest.fixture
def matrix(tmp_path: Path) -> Path:
    shutil.copytree(DATA / "locks", tmp_path / "locks")
    path = tmp_path / "small.yaml"
    source = (DATA / "small.yaml").read_text()
    path.write_text(source.replace("[2.12.1, 2.15.1]", "2.15.1"))
    return path


def outcome(results: Path) -> dict[tuple[str, int], tuple[str, str]]:
    frame = program.load(results)
    assert set(frame["status"]) == {"completed"}
    return {
        (r.cell, r.repeat): (r.weights_sha256, r.predictions_sha256) for r in frame.itertuples()
    }


def processes(results: Path) -> list[dict[str, str]]:
    records = sorted(results.glob("*/*/*/[0-9].json"))
    return [json.loads(path.read_text())["process"] for path in records]


@pytest.fixture
def load() -> Iterator[None]:
    """Both CPUs busy with something else."""
    burners = [multiprocessing.Process(target=_burn, daemon=True) for _ in range(2)]
    for burner in burners:
        burner.start()
    yield
    for burner in burners:
        burner.kill()


def _burn() -> None:
    while True:
        pass


def test_side_by_side_under_load_leaves_the_bits_of_lonely_runs(
    matrix: Path, tmp_path: Path, load: None
) -> None:
    together = harness("run", matrix, "--engine", "local", "--results", tmp_path / "together")
    assert together.code == 0, together.err
    # One run's share is more than half of the memory, so only one runs at a time.
    alone = ("--isolation", "fresh", "--memory", "1000G")
    lonely = harness("run", matrix, "--engine", "local", "--results", tmp_path / "alone", *alone)
    assert lonely.code == 0, lonely.err
    assert outcome(tmp_path / "together") == outcome(tmp_path / "alone")
    isolations = {process["isolation"] for process in processes(tmp_path / "together")}
    assert "forked" in isolations


def test_a_workload_that_differs_when_forked_turns_forking_off(
    matrix: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    right = staging._sources()
    spoilt = [_spoilt(*source, mark=str(tmp_path)) for source in right]
    monkeypatch.setattr(staging, "_sources", lambda: spoilt)
    arguments = ["run", str(matrix), "--engine", "local", "--results"]
    app([*arguments, str(tmp_path / "auto")], standalone_mode=False)
    assert "forking is off for tf2.15.1,py3.11,cpu" in capfd.readouterr().err
    found = processes(tmp_path / "auto")
    assert {process["isolation"] for process in found} == {"fresh"}
    assert any("runs differ in " in process["audit"] for process in found)

    app([*arguments, str(tmp_path / "forked"), "--isolation", "forked"], standalone_mode=False)
    app([*arguments, str(tmp_path / "fresh"), "--isolation", "fresh"], standalone_mode=False)
    assert outcome(tmp_path / "auto") == outcome(tmp_path / "fresh")
    assert outcome(tmp_path / "forked") != outcome(tmp_path / "fresh")


def _spoilt(name: str, data: bytes, mark: str) -> tuple[str, bytes]:
    """The `mark` makes it a runner never seen before, of which no audit is remembered."""
    if name != "workloads/mnist_mlp.py":
        return name, data
    return name, data + f"{FORKED_OTHERWISE}# {mark}\n".encode()
