"""The runner trains under every Python there is here, with TensorFlow from 2.4 to 2.21."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from commands import harness

import harness as program
from harness.environments import interpreters
from harness.errors import HarnessError

DATA = Path(__file__).parents[1] / "data" / "matrices"


@pytest.mark.tensorflow
@pytest.mark.parametrize("python", ["3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13"])
def test_a_sweep_runs_under(python: str, tmp_path: Path) -> None:
    try:
        interpreters.find(python)
    except HarnessError as error:
        pytest.skip(f"no Python {python} here: {error}")
    shutil.copytree(DATA / "locks", tmp_path / "locks")
    matrix = Path(shutil.copy(DATA / "pythons.yaml", tmp_path))
    results = tmp_path / "results"
    ended = harness(
        "run", matrix, "--engine", "local", "--results", results, "--only", f"*py{python},*"
    )
    assert ended.code == 0, ended.err
    frame = program.load(results).set_index("workload")
    done = frame[frame["status"] == "completed"]
    assert set(done["python"]) == {python} and set(done.index) == {"mnist-mlp", "co2-lstm"}
    assert set(done["found_threads"]) == {1}
    assert done.loc["mnist-mlp", "value"] > 0.3, "it has learnt something"
