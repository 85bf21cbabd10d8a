"""Versions with shared initial weights and orders: what is left of a difference is arithmetic.

The known answer: with a seed, Keras 3 repeats one order in every epoch, Keras 2 does not.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
from commands import harness

import harness as program

pytestmark = pytest.mark.tensorflow

DATA = Path(__file__).parents[1] / "data" / "matrices"
MATRIX = """
schema: 1
name: shared
environments:
  - {python: "3.8", tensorflow: 2.4.4}
  - {python: "3.11", tensorflow: 2.15.1}
  - {python: "3.13", tensorflow: 2.21.0}
axes:
  workload: [mnist-mlp, co2-conv]
  epochs: 2
  threads: 1
  shuffle: ["on", "off", shared]
  initial_weights: [own, shared]
exclude:
  - {tensorflow: 2.4.4, initial_weights: own, because: it draws other weights}
  - {tensorflow: 2.4.4, shuffle: ["on", "off"], because: one cell says enough}
"""
KERAS_2, KERAS_3 = "2.15.1", "2.21.0"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """A row per run, all of them completed."""
    folder = tmp_path_factory.mktemp("shared")
    shutil.copytree(DATA / "locks", folder / "locks")
    (folder / "shared.yaml").write_text(MATRIX)
    ended = harness(
        "run", folder / "shared.yaml", "--engine", "local", "--results", folder / "results"
    )
    assert ended.code == 0, ended.err
    frame = program.load(folder / "results")
    completed: pd.DataFrame = frame[frame["status"] == "completed"]
    return completed


def weights(runs: pd.DataFrame, workload: str, **settings: str) -> dict[str, str]:
    """The hash of the final weights by version."""
    chosen = runs[runs["workload"] == workload]
    for name, value in settings.items():
        chosen = chosen[chosen[name] == value]
    return dict(zip(chosen["tensorflow"], chosen["weights_sha256"], strict=True))


@pytest.mark.parametrize("workload", ["mnist-mlp", "co2-conv"])
def test_initial_weights_are_equal_in_all_versions(runs: pd.DataFrame, workload: str) -> None:
    shared = runs[(runs["workload"] == workload) & (runs["initial_weights"] == "shared")]
    assert set(shared["tensorflow"]) == {"2.4.4", KERAS_2, KERAS_3}
    assert shared["init_sha256"].nunique() == 1
    own = runs[(runs["workload"] == workload) & (runs["initial_weights"] == "own")]
    assert own["init_sha256"].nunique() == 1
    assert set(own["init_sha256"]).isdisjoint(shared["init_sha256"])


@pytest.mark.parametrize("initial_weights", ["own", "shared"])
@pytest.mark.parametrize("workload", ["mnist-mlp", "co2-conv"])
def test_the_order_is_all_that_keras_2_and_3_differ_in(
    runs: pd.DataFrame, workload: str, initial_weights: str
) -> None:
    by_order = {
        shuffle: weights(runs, workload, shuffle=shuffle, initial_weights=initial_weights)
        for shuffle in ("on", "off", "shared")
    }
    assert by_order["on"][KERAS_2] != by_order["on"][KERAS_3]
    assert by_order["off"][KERAS_2] == by_order["off"][KERAS_3]
    assert by_order["shared"][KERAS_2] == by_order["shared"][KERAS_3]
    assert len({each[KERAS_2] for each in by_order.values()}) == 3


@pytest.mark.parametrize("workload", ["mnist-mlp", "co2-conv"])
def test_every_setting_is_found_as_it_was_asked(runs: pd.DataFrame, workload: str) -> None:
    found = runs[runs["workload"] == workload]
    assert len(found) == 13
    for name in ("shuffle", "initial_weights", "nudge", "load"):
        assert list(found[f"found_{name}"]) == list(found[name])
