"""Scripts of the kinds that public reports are about, each with its true verdict."""

from __future__ import annotations

import shutil
from pathlib import Path

import commands
import pandas as pd
import pytest

from harness.analysis import run_table
from harness.analysis.cell_table import by_cell
from harness.results.reading import read_record

pytestmark = pytest.mark.tensorflow

SCRIPTS = Path(__file__).parents[1] / "data" / "own_scripts"
LOCKS = Path(__file__).parents[1] / "data" / "matrices" / "locks"

STABLE = (
    "custom_loop",
    "resume",
    "several_models",
    "starts_itself_again",
    "state_on_disk",
)
UNSTABLE = (
    "cross_validation",
    "hash_order",
    "parallel_map",
    "partial_seeds",
    "worker_threads",
)
"""By their weights. `noisy_outputs` is stable in these, and not in what it predicts."""

SEVERAL_CPUS = "parallel_map"
"""The one whose kind of fault needs more than one CPU."""

MATRIX = """
schema: 1
name: own
workloads:
{workloads}
environments:
  - {{python: "3.10", tensorflow: 2.10.0, numpy: 1.23.5}}
  - {{python: "3.11", tensorflow: 2.15.1}}
  - {{python: "3.13", tensorflow: 2.21.0}}
axes:
  workload: [{alone}]
  cpus: 1
repeats: 2
include:
  - {{workload: {several}}}
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The runs of a sweep over all scripts in three versions of TensorFlow, on the local engine."""
    folder = tmp_path_factory.mktemp("own")
    for script in SCRIPTS.glob("*.py"):
        shutil.copy(script, folder / script.name)
    shutil.copytree(LOCKS, folder / "locks")
    names = sorted(path.stem for path in SCRIPTS.glob("*.py"))
    workloads = "\n".join(f"  {name}: {{script: {name}.py}}" for name in names)
    workloads = workloads.replace("noisy_outputs.py", "noisy_outputs.py, files: [predictions.npy]")
    alone = ", ".join(name for name in names if name != SEVERAL_CPUS)
    text = MATRIX.format(workloads=workloads, alone=alone, several=SEVERAL_CPUS)
    (folder / "own.yaml").write_text(text)
    options = ("--engine", "local", "--isolation", "fresh", "--results", folder / "results")
    ended = commands.harness("run", folder / "own.yaml", *options)
    assert ended.code == 0, ended.err
    return run_table.runs(folder / "results" / "own")


def distinct(runs: pd.DataFrame, workload: str, column: str) -> list[int]:
    """How many different values the runs of each version have."""
    its = runs[runs["workload"] == workload]
    assert len(its) == 6 and set(its["status"]) == {"completed"}
    return [int(each) for each in its.groupby("tensorflow")[column].nunique()]


@pytest.mark.parametrize("script", STABLE)
def test_a_script_that_repeats_itself_is_stable(runs: pd.DataFrame, script: str) -> None:
    assert distinct(runs, script, "weights_sha256") == [1, 1, 1]
    # A loop of the script's own has no history that could be seen.
    histories = [0, 0, 0] if script == "custom_loop" else [1, 1, 1]
    assert distinct(runs, script, "history_sha256") == histories


@pytest.mark.parametrize("script", UNSTABLE)
def test_a_script_that_varies_is_unstable(runs: pd.DataFrame, script: str) -> None:
    assert distinct(runs, script, "weights_sha256") == [2, 2, 2]


def test_equal_weights_with_other_outputs_are_told_apart(runs: pd.DataFrame) -> None:
    assert distinct(runs, "noisy_outputs", "weights_sha256") == [1, 1, 1]
    assert distinct(runs, "noisy_outputs", "outputs_sha256") == [2, 2, 2]
    assert distinct(runs, "noisy_outputs", "files_sha256") == [2, 2, 2]


def test_every_script_has_its_verdict() -> None:
    named = {*STABLE, *UNSTABLE, "noisy_outputs"}
    assert named == {path.stem for path in SCRIPTS.glob("*.py")}


SHY = """
import numpy as np, tensorflow as tf
open("seen.txt", "w").write(tf.GradientTape.gradient.__code__.co_name)
tf.keras.utils.set_random_seed(1)
model = tf.keras.Sequential([tf.keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(np.ones((8, 2)), np.ones(8), verbose=0)
print("done")
"""
"""It writes another file where it is observed."""


def test_a_script_that_observing_changes_is_run_without(tmp_path: Path) -> None:
    # What an audit found is remembered per script: this one was never seen.
    (tmp_path / "shy.py").write_text(f"# {tmp_path}\n{SHY}")
    shutil.copytree(LOCKS, tmp_path / "locks")
    (tmp_path / "shy.yaml").write_text(
        "schema: 1\nname: shy\nworkloads: {shy: {script: shy.py}}\nrepeats: 2\n"
        'environments: [{python: "3.11", tensorflow: 2.15.1}]\naxes: {workload: shy}\n'
    )
    results = tmp_path / "results"
    options = ("--engine", "local", "--results", results)
    ended = commands.harness("run", tmp_path / "shy.yaml", *options)
    assert ended.code == 0, ended.err
    assert "observed and unobserved runs differ in seen.txt" in ended.err
    records = [read_record(path) for path in sorted(results.glob("shy/*/*/[12].json"))]
    assert [each.script.unobserved != "" for each in records if each and each.script] == [True] * 2
    cells = by_cell(run_table.runs(results / "shy"))
    assert (cells["verdict"].tolist(), cells["runs"].tolist()) == (["untested"], [2])
    assert cells["class"].isna().all() and cells["verdict_printed"].tolist() == ["stable"]
