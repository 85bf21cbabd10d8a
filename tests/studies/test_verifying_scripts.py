"""Results of users' scripts, had again from what lies beside them: by their maker, by others."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import bundled
import pytest
from commands import Ended, harness
from other_cache import other_cache

pytestmark = pytest.mark.tensorflow

SCRIPTS = Path(__file__).parents[1] / "data" / "own_scripts"
WITH_DATA = """
import sys
import tensorflow as tf

tf.keras.utils.set_random_seed(1)
rows = [float(line) for line in open("rows.csv")]
x = tf.constant([[each, each] for each in rows])
model = tf.keras.Sequential([tf.keras.layers.Dense(4, input_shape=(2,)), tf.keras.layers.Dense(1)])
model.compile(tf.keras.optimizers.SGD(float(sys.argv[2])), "mse")
model.fit(x, x[:, :1], epochs=int(sys.argv[1]), batch_size=int(sys.argv[3]), verbose=0)
model.predict(x, verbose=0)
"""
MATRIX = """
schema: 1
name: own
workloads:
  rows:
    script: code/train.py
    arguments: ["{epochs}", "{rate}", "{size}"]
    parameters: {rate: 0.001, size: 8}
    data: {rows.csv: {from: rows.csv}}
  noisy: {script: code/noisy_outputs.py}
  unstable: {script: code/partial_seeds.py}
environments: {python: "3.11", tensorflow: 2.15.1}
axes: {workload: unstable, cpus: 1}
include:
  - {workload: rows, epochs: 1, cpus: 1}
  - {workload: rows, epochs: 1, cpus: 1, rate: 0.002, size: 4}
  - {workload: noisy, cpus: 1}
repeats: 2
"""
OTHER = """
schema: 1
name: own
workloads: {noisy: {script: noisy_outputs.py}}
environments: {python: "3.11", tensorflow: 2.15.1}
axes: {workload: noisy, cpus: 1, threads: 1}
repeats: 1
"""
LOCKS = ("--locks", bundled.LOCKS)


@dataclass(frozen=True, kw_only=True)
class Place:
    """The folder of who made the results, with a bundle of them, and a stranger's cache."""

    folder: Path
    stranger: Path

    def harness(self, *arguments: str | Path) -> Ended:
        """A command of who made the results."""
        return harness(*arguments, "--engine", "local", cwd=self.folder)

    def of_stranger(self, *arguments: str | Path) -> Ended:
        """A command of somebody else."""
        variables = {"HARNESS_CACHE": str(self.stranger)}
        return harness(*arguments, "--engine", "local", cwd=self.folder, variables=variables)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sweep of three scripts, and its bundle."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "code").mkdir()
    (folder / "code" / "train.py").write_text(WITH_DATA)
    for name in ("noisy_outputs.py", "partial_seeds.py"):
        shutil.copy(SCRIPTS / name, folder / "code" / name)
    (folder / "rows.csv").write_text("".join(f"{n}.5\n" for n in range(1, 17)))
    (folder / "m.yaml").write_text(MATRIX)
    shutil.copytree(bundled.LOCKS, folder / "locks")
    ran = harness("run", "m.yaml", "--engine", "local", cwd=folder)
    assert ran.code == 0, ran.err
    packed = harness("bundle", "results", "-o", "own.zip", cwd=folder)
    assert packed.code == 0 and "but for the scripts" not in packed.err
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Place:
    return Place(folder=made, stranger=other_cache(tmp_path / "cache"))


def verdicts(ended: Ended) -> dict[str, tuple[str, str]]:
    rows = json.loads(ended.out)
    return {row["cell"].partition(",")[0]: (row["verdict"], row["why"] or "") for row in rows}


def test_a_stranger_has_scripts_again_with_a_consent_and_the_data(place: Place) -> None:
    """What brought them is the bundle; without the data nothing of that script is tried."""
    verify = ("verify", "own.zip", *LOCKS, "--format", "json")
    only = ("--only", "rows,*rate=0.001*", "--only", "noisy", "--only", "unstable")
    refused = place.of_stranger(*verify, *only)
    assert refused.code == 2
    assert "the script code/noisy_outputs.py" not in refused.err
    assert "the script noisy_outputs.py (noisy), its folder" in refused.err
    assert "as you, with your files in reach" in refused.err and "--trust-bundle" in refused.err
    assert not (place.stranger / "datasets" / "scripts").exists()

    without = place.of_stranger(*verify, *only[2:], "--only", "rows,*rate=0.001*", "--trust-bundle")
    assert without.code == 0, without.err
    assert verdicts(without)["noisy"] == ("MATCH", "outputs differ, from the same weights")
    verdict, why = verdicts(without)["rows"]
    assert verdict == "NOT TRIED" and "rows.csv has SHA-256" in why and "--data FILE" in why
    unstable = verdicts(without)["unstable"]
    assert unstable == ("NOT TRIED", "unstable there: 2 different weights in 2 runs")

    data = ("--data", "rows.csv", "--trust-bundle")
    whole = place.of_stranger(*verify, *only[:2], *data)
    assert whole.code == 0, whole.err
    assert verdicts(whole) == {"rows": ("MATCH", "")}
    assert "warning: --trust-bundle: the following runs as you" in whole.err
    # It ran as the same person before; its data are there by now.
    again = place.of_stranger(*verify, *only[:2])
    assert again.code == 0 and verdicts(again) == {"rows": ("MATCH", "")}


def test_who_ran_the_scripts_is_not_asked_again(place: Place) -> None:
    ended = place.harness("verify", "results", *LOCKS, "--only", "rows", "--format", "json")
    assert ended.code == 0, ended.err
    assert verdicts(ended) == {"rows": ("MATCH", "")}


def test_a_script_that_was_changed_is_refused_by_its_digest(place: Place, tmp_path: Path) -> None:
    shutil.copytree(place.folder / "results", tmp_path / "r")
    for path in (tmp_path / "r").rglob("*.tar"):
        data = bytearray(path.read_bytes())
        data[data.index(b"import")] ^= 1
        path.write_bytes(data)
    ended = place.of_stranger("verify", tmp_path / "r", *LOCKS, "--trust-bundle")
    assert ended.code == 8 and ".tar: damaged: its files have the digest" in ended.err
    why = ("why", tmp_path / "r", "rows,*rate=0.001*", "rows,*rate=0.002*", "--data", "rows.csv")
    ended = place.of_stranger(*why, *LOCKS, "--trust-bundle")
    assert ended.code == 8 and "its files have the digest" in ended.err
    assert not (place.stranger / "datasets" / "scripts").exists()


def test_a_bundle_without_scripts_says_what_cannot_be_tried(place: Place, tmp_path: Path) -> None:
    target = tmp_path / "without.zip"
    made = harness("bundle", "results", "-o", target, "--without-scripts", cwd=place.folder)
    assert made.code == 0 and "but for the scripts noisy_outputs.py, partial_seeds.py" in made.err
    ended = place.of_stranger("verify", target, *LOCKS, "--only", "noisy", "--format", "json")
    assert ended.code == 9
    verdict, why = verdicts(ended)["noisy"]
    assert verdict == "NOT TRIED" and why.endswith("was never copied here; run its matrix")


def test_of_two_parameters_the_one_that_matters_is_named(place: Place) -> None:
    pair = ("why", "results", "rows,*rate=0.001*", "rows,*rate=0.002*", *LOCKS)
    refused = place.of_stranger(*pair, "--data", "rows.csv")
    assert refused.code == 2
    assert "its script, train.py (rows), comes with the results and never ran here" in refused.err
    ended = place.harness(*pair, "--format", "json")
    assert ended.code == 0, ended.err
    assert "differs: rate 0.001 → 0.002; size 8 → 4" in ended.err
    rows = {row["hybrid"]: row["class"] for row in json.loads(ended.out)["hybrids"]}
    assert rows["A"] == "A" and rows["B"] == "B"
    assert {"A with rate=0.002", "A with size=4"} & rows.keys()


def test_an_unstable_script_is_made_stable(place: Place) -> None:
    ended = place.harness("why", "results", "unstable", "--stable", *LOCKS)
    assert ended.code == 0, ended.err
    assert "Stable with seeding=all (3 of 3 equal)." in ended.out


def test_two_versions_of_a_script_are_no_pair(place: Place, tmp_path: Path) -> None:
    """Another script under the same name, with the same result or not, is another workload."""
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(SCRIPTS / "partial_seeds.py", other / "noisy_outputs.py")
    shutil.copytree(bundled.LOCKS, other / "locks")
    (other / "m.yaml").write_text(OTHER)
    ran = place.harness("run", other / "m.yaml", "--results", other / "results")
    assert ran.code == 0, ran.err
    pair = ("results:noisy", f"{other / 'results'}:noisy,*threads=1")
    ended = place.harness("why", *pair, *LOCKS)
    assert ended.code == 2 and "A and B are of two versions of it" in ended.err
