"""A copy of a workload's file under another name is a workload."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import harness as program

SOURCES = Path(program.__file__).parents[1]
DATA = Path(__file__).parents[1] / "data" / "matrices"

MATRIX = """
schema: 1
name: mine
environments: {python: "3.11", tensorflow: 2.15.1}
axes:
  workload: [mnist-mlp, my-own-mlp]
  samples: 64
  threads: 1
"""


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A copy of the program with one more file in it, and a matrix that names it."""
    for name in ("harness", "dockerfiles", "matrices"):
        shutil.copytree(SOURCES / name, tmp_path / name, ignore=shutil.ignore_patterns("*.pyc"))
    folder = tmp_path / "harness" / "runner" / "workloads"
    shutil.copy(folder / "mnist_mlp.py", folder / "my_own_mlp.py")
    shutil.copytree(DATA / "locks", tmp_path / "locks")
    (tmp_path / "mine.yaml").write_text(MATRIX)
    return tmp_path


def in_scratch(scratch: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from harness.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=scratch,
        env={**os.environ, "PYTHONPATH": str(scratch)},
        check=False,
    )


def test_check_and_plan_know_it(scratch: Path) -> None:
    checked = in_scratch(scratch, "check", "mine.yaml")
    assert checked.returncode == 0, checked.stderr
    planned = in_scratch(scratch, "plan", "mine.yaml")
    assert planned.returncode == 0 and "my-own-mlp,tf2.15.1" in planned.stdout, planned.stderr


def test_a_name_that_no_file_has_is_refused_with_those_there_are(scratch: Path) -> None:
    (scratch / "harness" / "runner" / "workloads" / "my_own_mlp.py").unlink()
    checked = in_scratch(scratch, "check", "mine.yaml")
    assert checked.returncode == 2
    assert "workload cannot be 'my-own-mlp'; allowed: co2-conv, co2-lstm, " in checked.stderr


@pytest.mark.tensorflow
def test_it_trains_to_the_bits_of_the_original(scratch: Path) -> None:
    done = in_scratch(scratch, "run", "mine.yaml", "--engine", "local", "--results", "results")
    assert done.returncode == 0, done.stderr
    frame = program.load(scratch / "results").set_index("workload")
    assert frame.loc["my-own-mlp", "weights_sha256"] == frame.loc["mnist-mlp", "weights_sha256"]
