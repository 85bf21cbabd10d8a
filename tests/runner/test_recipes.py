"""What CONTRIBUTING says of additions: a workload is one file, an axis two."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import harness as program

pytestmark = pytest.mark.slow

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

ENTRY = """    Axis(
        name="soft_placement",
        scope="run",
        sentence="Operations without a kernel for their device run on another one.",
        words=(DEFAULT, *ON_OFF),
        applied="tf.config.set_soft_device_placement",
        read_back="tf.config.get_soft_device_placement()",
    ),
)

BY_NAME"""

MODULE = """
import tensorflow as tf

from harness.runner.backends.tensorflow import stages
from harness.runner.findings import on_or_off

STAGE = stages.PROCESS


def apply(value, run):
    if value != "default":
        tf.config.set_soft_device_placement(value == "on")


def read(run):
    return on_or_off(tf.config.get_soft_device_placement()), "get_soft_device_placement()"
"""

AXIS_MATRIX = """
schema: 1
name: placed
environments: {python: "3.11", tensorflow: 2.15.1}
axes:
  samples: 64
  threads: 1
  soft_placement: ["on", "off", default]
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


@pytest.fixture
def with_axis(scratch: Path) -> Path:
    """That copy with two more pieces, one in each place that knows axes."""
    catalogue = scratch / "harness" / "protocol" / "axes.py"
    catalogue.write_text(catalogue.read_text().replace(")\n\nBY_NAME", ENTRY))
    axes = scratch / "harness" / "runner" / "backends" / "tensorflow" / "axes"
    (axes / "soft_placement.py").write_text(MODULE)
    (scratch / "placed.yaml").write_text(AXIS_MATRIX)
    return scratch


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


def test_a_new_axis_is_planned(with_axis: Path) -> None:
    planned = in_scratch(with_axis, "plan", "placed.yaml")
    assert planned.returncode == 0 and "soft_placement=off" in planned.stdout, planned.stderr
    schema = in_scratch(with_axis, "schema")
    assert "soft_placement" in schema.stdout


@pytest.mark.tensorflow
def test_a_new_axis_is_applied_and_read_back(with_axis: Path) -> None:
    ran = in_scratch(with_axis, "run", "placed.yaml", "--engine", "local", "--results", "results")
    assert ran.returncode == 0, ran.stderr
    frames = in_scratch(with_axis, "table", "results", "--by", "run", "--format", "json")
    runs = json.loads(frames.stdout)
    values = {run["soft_placement"]: run["found_soft_placement"] for run in runs}
    assert values == {"on": "on", "off": "off", "default": "on"}
