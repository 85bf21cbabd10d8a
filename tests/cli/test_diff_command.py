"""`harness diff` as people start it: known answers, on the local engine, and wrong usage."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import bundled
import pytest
from commands import Ended, harness
from results_factory import SweepOnDisk, cell

LOCKS = Path(__file__).parents[1] / "data" / "matrices" / "locks"

MATRIX = """
schema: 1
name: known
environments:
  - {python: "3.11", tensorflow: 2.15.1}
  - {python: "3.13", tensorflow: 2.21.0}
axes: {workload: co2-conv, samples: 600, epochs: 2, threads: 1}
repeats: 1
include:
  - {workload: mnist-cnn, samples: 256, epochs: 1, threads: [1, 2], tensorflow: 2.15.1}
  - {workload: mnist-cnn, samples: 256, epochs: 1, threads: 1, nudge: one-ulp, tensorflow: 2.15.1}
  - {workload: mnist-cnn, samples: 256, epochs: 1, threads: 1,
     initial_weights: shared, shuffle: shared}
"""

UNSTABLE = """
schema: 1
name: unstable
environments: {python: "3.11", tensorflow: 2.15.1}
axes: {workload: mnist-augmented, samples: 512, epochs: 1}
repeats: 3
"""


def swept(folder: Path, matrix: str) -> Path:
    shutil.copytree(LOCKS, folder / "locks")
    (folder / "m.yaml").write_text(matrix)
    ran = harness("run", "m.yaml", "--engine", "local", cwd=folder)
    assert ran.code == 0, ran.err
    return folder


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return swept(tmp_path_factory.mktemp("known"), MATRIX)


def diff(folder: Path, one: str, other: str, *options: str) -> Ended:
    command = ("diff", "results/known", one, other, "--engine", "local", *options)
    return harness(*command, cwd=folder)


def parts(ended: Ended) -> dict[str, dict[str, Any]]:
    return {row["part"]: row for row in json.loads(ended.out)["parts"]}


def first(ended: Ended) -> str:
    return next(name for name, row in parts(ended).items() if not row["equal"])


@pytest.mark.tensorflow
def test_keras_3_repeats_its_order_and_computes_as_keras_2_does(known: Path) -> None:
    ended = diff(known, "co2-conv*2.15*", "co2-conv*2.21*", "--format", "json")
    assert ended.code == 0, ended.err
    assert "They part by other data order (epoch 2, step 1)." in ended.err
    assert "B's batch there is that of its epoch 1, step 1." in ended.err
    assert "Verified:" in ended.err
    assert "Made from A's state, B's step leaves A's bits" in ended.err
    assert first(ended) == "batch/inputs/0"
    found = parts(ended)
    assert all(row["equal"] for name, row in found.items() if name.startswith("before/"))


@pytest.mark.tensorflow
def test_threads_are_another_arithmetic_from_the_first_step_on(known: Path) -> None:
    one, other = (
        "mnist-cnn*threads=1,epochs=1,samples=256",
        "mnist-cnn*threads=2,epochs=1,samples=256",
    )
    ended = diff(known, one, other, "--format", "json")
    assert ended.code == 0, ended.err
    assert "They part by other arithmetic (epoch 1, step 1)." in ended.err
    assert "Verified:" in ended.err
    assert first(ended).startswith(("output/conv", "gradient/conv"))
    assert "the arithmetic of this step is another. A's own, made so, leaves A's bits." in ended.err


@pytest.mark.tensorflow
def test_with_start_and_order_shared_dropout_is_what_is_left(known: Path) -> None:
    one, other = "mnist-cnn*2.15*shuffle=shared*", "mnist-cnn*2.21*shuffle=shared*"
    ended = diff(known, one, other, "--level", "2", "--format", "json")
    assert ended.code == 0, ended.err
    assert "They part by other random numbers (epoch 1, step 1)." in ended.err
    # On some CPUs the first convolution differs by rounding, too (1e-7 at most).
    assert first(ended) in ("output/dropout", "output/conv_a")
    dropout = parts(ended)["output/dropout"]
    assert not dropout["equal"] and dropout["max_abs"] > 0.1


@pytest.mark.tensorflow
def test_one_weight_turned_by_one_ulp_is_another_start(known: Path) -> None:
    ended = diff(known, "mnist-cnn*threads=1,epochs=1,samples=256", "*nudge*", "--format", "rich")
    assert ended.code == 0, ended.err
    assert ended.out.startswith("They part by other start (before the first step).")


@pytest.mark.tensorflow
def test_runs_of_an_unstable_cell_part_in_their_first_batch(tmp_path: Path) -> None:
    folder = swept(tmp_path, UNSTABLE)
    every = harness("diff", "results/unstable", "mnist-*", "mnist-*", "--level", "1", cwd=folder)
    assert every.code == 0, every.err
    assert "pairs of runs differ." in every.out
    assert "other random numbers (epoch 1, step 1) in the batch's inputs" in every.out
    # Two runs of it again are two others, so that nothing can be verified.
    two = ("diff", "results/unstable", "mnist-*#1", "mnist-*#2", "--level", "2")
    ended = harness(*two, "--engine", "local", cwd=folder)
    assert ended.code == 10, ended.out + ended.err
    assert "Unverified:" in ended.out


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """Made-up results without traces: two cells that differ, and a stable one with two runs."""
    sweep = SweepOnDisk(root=tmp_path / "results")
    one, other = cell(threads=1), cell(threads=2)
    sweep.plan([one, other])
    sweep.complete(one, "a", "a")
    sweep.complete(other, "b")
    sweep.complete(cell(workload="mnist-cnn"), "c")
    return tmp_path


def test_without_traces_it_is_undecided(made: Path) -> None:
    pair = ("diff", "results", "*threads=1", "*threads=2")
    ended = harness(*pair, cwd=made)
    assert ended.code == 0, ended.err
    assert ended.out == "Where they part is undecided: same start, no trace.\n"
    found = json.loads(harness(*pair, "--format", "json", cwd=made).out)
    assert (found["state"], found["evidence"], found["parts"]) == ("different", "digests", [])
    assert found["origin"]["kind"] == "undecided"
    assert found["origin"]["reason"] == "same start, no trace"


def test_equal_runs_do_not_differ_where_one_bit_would_have_been_seen(tmp_path: Path) -> None:
    bundled.results(tmp_path / "results")
    pair = ("diff", "results", "*np1.23.5,cpu#1", "*np1.23.5,cpu#2")
    same = harness(*pair, cwd=tmp_path)
    assert (same.code, same.out) == (0, "No difference: both runs left the same weights.\n")
    for path in tmp_path.glob("results/*/blobs/weights/*"):
        path.unlink()
    without = harness(*pair, "--format", "json", cwd=tmp_path)
    assert without.code == 10 and "are not stored" in without.err, without
    assert json.loads(without.out)["state"] == "unverified"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("results:*threads=1#1", "results:*threads=1#1"),
        ("results:*threads=2", "results:*threads=2"),
        ("results:*threads=1#2", "copy:*threads=1#2"),
        ("results:*threads=2", "results:*threads=2#1"),
    ],
)
def test_a_run_is_not_compared_with_itself(made: Path, one: str, other: str) -> None:
    shutil.copytree(made / "results", made / "copy")
    ended = harness("diff", one, other, cwd=made)
    assert ended.code == 2, ended
    assert "would be compared with itself; name another cell, or another run" in ended.err


def test_bundles_are_taken_as_folders_are(tmp_path: Path) -> None:
    bundled.bundle(bundled.results(tmp_path / "theirs"), tmp_path / "theirs.zip")
    ended = harness("diff", "theirs.zip", "*np1.23.5,cpu", "*threads=1", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert ended.out == "Where they part is undecided: same start, no trace.\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("results", "*threads=1"), 2, "name two cells: DIR A B, or DIR1:A DIR2:B"),
        (("results", "*threads=1", "*threads=7"), 3, "the nearest are"),
        (("results", "*threads=1", "mnist-cnn*"), 2, "A trains mnist-mlp and B mnist-cnn"),
        (("results", "*threads=1#9", "*threads=2"), 3, "has no run 9 with weights"),
        (("nowhere", "*threads=1", "*threads=2"), 2, "no such folder"),
        (("results", "*threads=1", "*threads=2", "--level", "4"), 2, "--level"),
    ],
)
def test_wrong_usage_says_what_to_do(
    made: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ended = harness("diff", *arguments, cwd=made)
    assert (ended.code, said in ended.err) == (code, True), ended.err


SCRIPT = """
import numpy as np
import tensorflow as tf

x = np.linspace(-1, 1, 128).reshape(-1, 1).astype("float32")


def train(shuffle, seed=1):
    tf.keras.utils.set_random_seed(seed)
    model = tf.keras.Sequential([tf.keras.layers.Dense(8, "relu"), tf.keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(x, x**2, epochs=2, shuffle=shuffle, verbose=0)


train(True)
train(True)
train(False)
train(True, seed=2)
"""

OF_SCRIPT = """
schema: 1
name: known
workloads: {fits: {script: fits.py}}
environments:
  - {python: "3.11", tensorflow: 2.15.1}
  - {python: "3.13", tensorflow: 2.21.0}
axes: {workload: fits}
repeats: 1
"""


@pytest.fixture(scope="module")
def fits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model trained four times by one script, in Keras 2 and 3."""
    folder = tmp_path_factory.mktemp("fits")
    (folder / "fits.py").write_text(SCRIPT)
    return swept(folder, OF_SCRIPT)


@pytest.mark.tensorflow
@pytest.mark.parametrize("version", ["2.15.1", "2.21.0"])
def test_fits_of_one_script_are_compared(fits: Path, version: str) -> None:
    """Keras numbers the layers of all models of a process: that is no difference."""
    equal = diff(fits, f"*{version}*@1", f"*{version}*#1@2.1")
    assert equal.code == 0 and "No difference" in equal.out, equal.err
    order = diff(fits, f"*{version}*@1", f"*{version}*@3", "--format", "rich")
    assert order.code == 0, order.err
    assert order.out.startswith("They part by other data order (epoch 1, step 1).")
    assert "Verified:" in order.out
    assert "Made from A's state, B's step leaves A's bits" in order.out
    # Control: of models that their first step builds, too, the start is seen.
    start = diff(fits, f"*{version}*@1", f"*{version}*@4", "--format", "rich")
    assert start.out.startswith("They part by other start (before the first step).")


@pytest.mark.tensorflow
def test_the_step_of_a_script_is_made_again_in_two_versions(fits: Path) -> None:
    """Keras 2 and 3 start alike here; what first differs depends on the CPU."""
    ended = diff(fits, "*2.15.1*", "*2.21.0*", "--format", "json")
    assert ended.code == 0, ended.err
    assert "They part by other arithmetic (epoch 1, step 1)." in ended.err
    found = parts(ended)
    first = next(name for name, row in found.items() if not row["equal"])
    assert first.startswith(("output/", "gradient/")), first
    assert found["batch/inputs/0"]["equal"] and found["before/dense/kernel#2"]["equal"]
    assert f"B's step leaves other bits, first in {first}" in ended.err


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("one", "other", "code", "said"),
    [
        ("*2.15.1*@1", "*2.15.1*@5", 3, "has no such fit; there are @1.1, @2.1, @3.1, @4.1"),
        ("*2.15.1*@1", "*2.15.1*", 2, "name a fit on the other side, too"),
        ("*2.15.1*@1.0", "*2.15.1*", 3, "no cell in results/known has the name '*2.15.1*@1.0'"),
    ],
)
def test_a_fit_that_is_not_there_is_said(
    fits: Path, one: str, other: str, code: int, said: str
) -> None:
    ended = diff(fits, one, other)
    assert (ended.code, said in ended.err) == (code, True), ended.err
