"""The records of a diagnosis are those of an ordinary sweep."""

from __future__ import annotations

import json
import shutil
from importlib import metadata
from pathlib import Path

import commands
import pytest

import harness
from harness.cli import diagnose_command, script_experiment
from harness.matrix import reading
from harness.subjects.adopted_matrix import Proposal

DATA = Path(__file__).parents[1] / "data"
TRAINING = """
import tensorflow as tf

tf.keras.utils.set_random_seed(1)
model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
model.compile("sgd", "mse")
model.fit(tf.ones((8, 2)), tf.ones((8, 1)), verbose=0)
open("left.txt", "w").write("left")
open("model.keras", "w").write("with a time in it")
"""


@pytest.mark.tensorflow
def test_the_tables_know_the_repeats_of_a_script_that_was_diagnosed(tmp_path: Path) -> None:
    """The last settings are tried once each, which is not what is planned."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "my train.py").write_text(TRAINING)
    shutil.copytree(DATA / "matrices" / "locks", tmp_path / "locks")
    options = ("--engine", "local", "--tensorflow", "2.15.1", "--repeats", "2", "--json")
    ended = commands.harness("diagnose", "source/my train.py", *options, cwd=tmp_path)
    assert ended.code == 0, ended.err
    frame = harness.load(tmp_path / "results" / "my-train")
    assert len(frame[frame["planned"]]) == len(frame)
    table = commands.harness("table", "results/my-train", "--by", "cell", cwd=tmp_path)
    assert table.out.count("stable") == 1
    assert json.loads(ended.out)["as_it_is"]["distinct"]["files"] == 1
    matrix = reading.read(tmp_path / "my-train.matrix.yaml")
    assert matrix.scripts["my-train"].files == ("left.txt",)
    planned = (tmp_path / "results" / "my-train").glob("*/plan.jsonl")
    assert matrix.sha256 in next(planned).read_text()


@pytest.mark.network
def test_a_package_of_here_that_does_not_fit_is_taken_in_another_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This program itself needs a pandas that no TensorFlow with NumPy 1 can have."""
    (tmp_path / "train.py").write_text("import pandas\n")
    setting = diagnose_command._setting("local", 60, "1G")
    installed = f"pandas=={metadata.version('pandas')}"
    proposal = Proposal(
        name="train",
        script=tmp_path / "train.py",
        arguments=(),
        packages=(installed,),
        data={},
        environments=({"tensorflow": "2.10.0"},),
        repeats=2,
        guessed=frozenset({installed}),
    )
    monkeypatch.chdir(tmp_path)
    found = script_experiment.prepared(setting, proposal, tmp_path / "results", "adopt")
    assert found.proposal.packages == ("pandas",)
    assert reading.read(found.path).scripts["train"].requirements == ("pandas",)
