"""Real trainings on a cluster: the same bits as here, and nothing of the worker's surroundings."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from commands import harness, start
from other_cache import other_cache
from real_trainings import bits, matrix_in, run_here
from simulated_cluster import Cluster, records, until_recorded

import harness as program
from harness.cli import wiring

pytestmark = pytest.mark.tensorflow

Make = Callable[..., Cluster]

MATRIX = """
schema: 1
name: real
environments: {python: "3.11", tensorflow: 2.15.1}
axes:
  workload: mnist-mlp
  samples: 256
  epochs: 1
"""


@pytest.fixture
def cluster(make_cluster: Make) -> Cluster:
    """A cluster with a scheduler but no worker."""
    made = make_cluster()
    made.scheduler()
    return made


def test_with_a_worker_that_is_killed_twice_every_run_has_the_bits_that_it_has_here(
    cluster: Cluster, tmp_path: Path
) -> None:
    matrix = matrix_in(tmp_path, MATRIX + "  threads: [1, 2]\nrepeats: 3\n")
    run_here(matrix, tmp_path / "here")
    for name in "ab":
        cluster.worker(name)
    results = tmp_path / "there"
    arguments = ("run", matrix, "--on", cluster.address, "--results", results)
    process = start(*arguments)
    for count in (1, 3):
        until_recorded(results, count, process)
        cluster.end("a")
        cluster.worker("a")
    _, err = process.communicate(timeout=500)
    assert process.returncode in (0, 7) and "Traceback" not in err, err
    before = records(results)
    frame = program.load(results)
    assert set(frame["status"]) <= {"completed", "killed"} and len(frame) == len(before) == 6
    killed = frame.loc[frame["status"] == "killed", "cell"]

    again = harness(*arguments)
    assert again.code == 0, again.err
    assert f"{len(killed)} run" in again.err and f"{6 - len(killed)} done before" in again.err
    assert bits(results) == bits(tmp_path / "here")
    assert set(program.load(results)["machine"]) == {wiring.this_machine().id}
    assert harness("check", results).code == 0


SCRIPT = """
import os
import numpy, tensorflow as tf

names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_TRIM_THRESHOLD_")
print({name: os.environ.get(name) for name in names}, open("beside.txt").read())
tf.keras.utils.set_random_seed(1)
model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(numpy.ones((8, 2)), numpy.ones(8), verbose=0)
"""
OF_SCRIPT = """
schema: 1
name: real
workloads: {own: {script: code/train.py, data: {beside.txt: elsewhere.txt}}}
environments: {python: "3.11", tensorflow: 2.15.1}
axes:
  workload: own
  cpus: 1
  env: [{}, {OMP_NUM_THREADS: 1}]
"""
LEAKING = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"),
    "MALLOC_TRIM_THRESHOLD_": "65536",
}
"""What Dask's nanny sets for all that it starts."""


def test_a_script_travels_and_sees_nothing_of_the_workers_variables(
    cluster: Cluster, tmp_path: Path
) -> None:
    matrix = matrix_in(tmp_path, OF_SCRIPT)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "train.py").write_text(SCRIPT)
    (tmp_path / "elsewhere.txt").write_text(f"of {tmp_path.name}")
    run_here(matrix, tmp_path / "here")
    cache = other_cache(tmp_path / "cache")
    cluster.worker("a", variables={**LEAKING, "HARNESS_CACHE": str(cache)})
    there = harness("run", matrix, "--on", cluster.address, "--results", tmp_path / "there")
    assert there.code == 0, there.err
    here = bits(tmp_path / "here")
    assert bits(tmp_path / "there") == here
    printed = {values[-1] for values in here.values()}
    assert len(printed) == 2, "a training would see the variable where it is set"
    assert len(list((cache / "datasets" / "scripts").iterdir())) == 1
    assert len(list((cache / "datasets" / "files").iterdir())) == 1
    # What comes back can be verified as what was done here.
    stored = [list((tmp_path / place).rglob("*.tar")) for place in ("here", "there")]
    assert [len(each) for each in stored] == [1, 1]
    assert stored[0][0].read_bytes() == stored[1][0].read_bytes()
    checked = harness("check", tmp_path / "there")
    assert checked.code == 0 and "1 scripts" in checked.out


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two CPUs")
def test_a_matrix_that_names_kinds_has_each_cell_once_per_kind(
    cluster: Cluster, tmp_path: Path
) -> None:
    cpus = sorted(os.sched_getaffinity(0))
    kinds = f"machines: [{{cpus: 1}}, {{cpus: {len(cpus)}}}]\n"
    matrix = matrix_in(tmp_path, MATRIX + "  threads: 1\n" + kinds)
    cluster.worker("one", "taskset", "-c", str(cpus[0]))
    cluster.worker("all")
    results = tmp_path / "results"
    ended = harness("run", matrix, "--on", cluster.address, "--results", results)
    assert ended.code == 0, ended.err
    frame: pd.DataFrame = program.load(results)
    assert list(frame["status"]) == ["completed"] * 2 and frame["machine"].nunique() == 2
    assert frame["cell"].nunique() == 1 and frame["weights_sha256"].nunique() == 1
    machine = wiring.this_machine().id
    assert {machine, f"{machine.rpartition('-')[0]}".replace(f"{len(cpus)}cpu", "1cpu")} <= {
        name if name == machine else name.rpartition("-")[0] for name in frame["machine"]
    }
