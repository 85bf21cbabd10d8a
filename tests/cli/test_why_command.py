"""`harness why` as people start it: real trainings on the local engine, and wrong usage."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import bundled
import pytest
from commands import PROGRAM, Ended, harness
from results_factory import SweepOnDisk, cell, fit, hardware, observed, script_cell

from harness.environments import lockfile, locking, resolving
from harness.matrix.environment import Environment

ROOT = Path(__file__).parents[2]
LOCKS = ROOT / "tests" / "data" / "matrices" / "locks"

FIVE = """
schema: 1
name: five
environments: {python: "3.11", tensorflow: 2.15.1}
axes:
  {workload: mnist-cnn, samples: 256, epochs: 1,
   threads: 1, inter_threads: 1, scheduling: batch, tf32: on, hash_seed: 0}
include:
  - {workload: mnist-cnn, samples: 256, epochs: 1,
     threads: 2, inter_threads: 2, scheduling: other, tf32: off, hash_seed: 1}
repeats: 1
"""

UNSTABLE = """
schema: 1
name: unstable
environments: {python: "3.11", tensorflow: 2.15.1}
axes: {workload: mnist-augmented, samples: 512, epochs: 1}
repeats: 3
"""

VERSIONS = """
schema: 1
name: versions
environments: [{python: "3.10", tensorflow: [2.9.3, 2.10.0], numpy: 1.23.5}]
axes: {workload: mnist-cnn, samples: 256, epochs: 1, threads: 1, hash_seed: [0, 1]}
repeats: 2
"""


def swept(folder: Path, matrix: str, locks: Path = LOCKS) -> Path:
    """The results of this matrix, with its locks where a person has them."""
    shutil.copytree(locks, folder / "locks")
    (folder / "m.yaml").write_text(matrix)
    ran = harness("run", "m.yaml", "--engine", "local", cwd=folder)
    assert ran.code == 0, ran.err
    return folder


def why(folder: Path, *arguments: str, format: str = "json") -> Ended:
    command = ("why", *arguments, "--engine", "local", "--format", format)
    return harness(*command, cwd=folder)


ONE_CELL = """
schema: 1
name: one
environments: {python: "3.12", tensorflow: 2.18.1}
axes: {workload: mnist-mlp, samples: 256, epochs: 2, threads: 1}
repeats: 2
"""
ENVIRONMENT = Environment(python="3.12", tensorflow="2.18.1")
OLDER = replace(ENVIRONMENT, keras="3.6.0", requirements=("h5py==3.11.0",))


def locked_earlier(folder: Path, locks: Path) -> Path:
    """A folder with a lock of the same environment that has an older Keras and h5py."""
    packages = resolving.resolve(locking.requirements(OLDER), OLDER.id)
    header, *_ = (locks / f"{ENVIRONMENT.id}.txt").read_text().partition("\nabsl-py")
    said = dict(line[2:].split(": ", 1) for line in header.splitlines()[1:])
    path = folder / f"{ENVIRONMENT.id}.txt"
    folder.mkdir()
    lockfile.write(path, lockfile.render(said, packages))
    return folder


def records(folder: Path) -> dict[Path, float]:
    return {path: path.stat().st_mtime for path in folder.glob("results/why-*/*/*,*/*.json")}


def classes(ended: Ended) -> dict[str, str]:
    return {row["hybrid"]: row["class"] for row in json.loads(ended.out)["hybrids"]}


@pytest.mark.tensorflow
def test_of_five_settings_the_one_that_matters_is_named_in_at_most_twelve_runs(
    tmp_path: Path,
) -> None:
    """Interrupted, and continued with the same command; the records of the matrix answer first."""
    folder = swept(tmp_path, FIVE)
    pair = ("results/five", "*threads=1,*", "*threads=2,*")
    ahead = why(folder, *pair, "--dry-run")
    assert ahead.code == 0 and "2 runs, 1 of them recorded" in ahead.out
    assert "Groups, the cheapest to change first: threads, inter_threads" in ahead.out
    assert not records(folder)

    interrupted = _interrupted(folder, *pair)
    assert interrupted == 130
    before = records(folder)
    assert before

    ended = why(folder, *pair)
    assert ended.code == 0, ended.err
    assert "threads 1 → 2 alone explains it: A with it leaves B's bits (2 of 2" in ended.err
    assert "B without it leaves A's bits (2 of 2 equal)" in ended.err
    assert classes(ended) == {"A": "A", "B": "B", "A with threads=2": "B", "B with threads=1": "A"}
    after = records(folder)
    assert before.items() <= after.items(), "what was finished is not done again"
    assert len(after) + 2 <= 12

    back = why(folder, "results/five:*threads=2,*", "results/five:*threads=1,*", format="rich")
    assert back.code == 0, back.err
    assert back.out.startswith("threads 2 → 1 alone explains it")
    assert records(folder) == after, "B and A are the same study as A and B"


def _interrupted(folder: Path, *pair: str) -> int:
    """The exit code of the command, interrupted when its first record is there."""
    process = subprocess.Popen(
        [*PROGRAM, "why", *pair, "--engine", "local"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not records(folder) and process.poll() is None:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    return process.wait()


@pytest.mark.tensorflow
def test_an_unstable_cell_is_made_stable_by_op_determinism(tmp_path: Path) -> None:
    folder = swept(tmp_path, UNSTABLE)
    ended = why(folder, "results/unstable", "mnist*", "--stable")
    assert ended.code == 0, ended.err
    assert "Stable with determinism=on (3 of 3 equal)." in ended.err
    assert "Unstable without determinism (3 different weights in 3 runs)." in ended.err
    rows = {row["hybrid"]: row for row in json.loads(ended.out)["hybrids"]}
    assert list(rows) == ["as it is", "hash_seed=0", "determinism=on"]
    assert [row["distinct"] for row in rows.values()][::2] == [3, 1]
    assert not list(folder.glob("results/why-*/*/mnist-augmented,tf2.15.1,py3.11,cpu,epochs*"))

    other = "results/unstable:mnist*epochs=1,samples=512"
    stable = f"results/{next(folder.glob('results/why-*')).name}:*determinism=on*"
    between = why(folder, other, stable)
    assert between.code == 9 and "A is unstable here (2 different weights" in between.err
    assert "--stable looks for it" in between.err


@pytest.mark.tensorflow
def test_versions_are_one_group_and_then_gone_into(tmp_path: Path) -> None:
    """Neighbouring releases: nothing is between them, and Keras cannot be had apart."""
    folder = swept(tmp_path, VERSIONS, ROOT / "matrices" / "locks")
    pair = ("results/versions", "*2.9.3*hash_seed=0*", "*2.10.0*hash_seed=1*")
    ended = why(folder, *pair)
    assert ended.code == 0, ended.err
    assert "versions (tensorflow 2.9.3 → 2.10.0, keras 2.9.0 → 2.10.0) alone" in ended.err
    assert "changed between TensorFlow 2.9.3 and 2.10.0 (2 of 2 equal; 2 of 2 equal)" in ended.err
    assert "they first differ before the first step: other start." in ended.err
    origin = json.loads(ended.out)["versions"]["origin"]
    assert (origin["kind"], origin["step"]) == ("other start", 0)
    assert "Keras 2.9.0 → 2.10.0 alone: no result (unavailable: TensorFlow 2.9.3" in ended.err
    assert classes(ended) == {
        "A": "A",
        "B": "B",
        "A with hash_seed=1": "A",
        "A with versions of B": "B",
        "TensorFlow 2.9.3 with Keras 2.10.0": None,
        "TensorFlow 2.9.3 with 11 other packages": "A",
    }
    made = {path.parent.name for path in records(folder)}
    assert len(made) == 1, "for all others the records of the matrix answer"
    without = why(folder, *pair, "--no-versions")
    assert without.code == 0 and "changed between" not in without.err


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of two machines with cells that nothing can be asked about, and some that can."""
    root = tmp_path_factory.mktemp("why")
    here = SweepOnDisk(root=root / "r", matrix="m")
    here.complete(cell(threads=1), "a", "a")
    here.complete(cell(threads=2), "b", "b")
    here.complete(cell(threads=3), "a", "a")
    here.complete(cell(workload="mnist-cnn"), "c")
    here.end(cell(threads=5), 1, "failed", "no such layer")
    here.complete_script(script_cell(), observed([fit("w")]))
    there = SweepOnDisk(root=root / "other", hardware=hardware(microarchitecture="icelake"))
    there.complete(cell(threads=1), "z")
    for each in (here, there):
        each.plan([])
    return root


@pytest.mark.slow
@pytest.mark.tensorflow
def test_between_two_locks_of_one_cell_the_package_is_named(tmp_path: Path) -> None:
    """Everything is asked for alike; what it was resolved to differs."""
    a, b, shipped = tmp_path / "a", tmp_path / "b", ROOT / "matrices" / "locks"
    for folder, locks in ((a, shipped), (b, locked_earlier(tmp_path / "earlier", shipped))):
        folder.mkdir()
        swept(folder, ONE_CELL, locks)
    ended = why(tmp_path, "a/results:mnist-mlp*", "b/results:mnist-mlp*", format="rich")
    assert ended.code == 0, ended.err
    said = " ".join(ended.out.split())
    later = next(iter(a.glob("results/one/*/*/1.json")))
    keras = json.loads(later.read_text())["environment"]["packages"]["keras"]
    assert f"Keras {keras} → 3.6.0 alone: the same as all of them, same start" in said
    assert "alone: same bits (2 of 2 equal)" in said.partition("h5py")[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "missing argument"),
        (["r", "*threads=1"], 2, "name two cells: DIR A B, or DIR1:A DIR2:B"),
        (["r", "*threads=1", "--stable", "x"], 2, "name one cell: DIR A, or DIR:A"),
        (["nowhere", "a", "b"], 2, "nowhere: no such folder"),
        (["r", "*threads=1", "*"], 3, "fits 6 cells in r; name one of"),
        (["r", "*threads=1", "*threads=11"], 3, "has the name '*threads=11'; the nearest are"),
        (["r", "*threads=1", "*threads=5"], 3, "has no weights: failed: no such layer"),
        (["r", "*threads=1", "*threads=1"], 2, "name two cells, or --stable"),
        (["r", "*threads=1#1", "*threads=1#2"], 2, "name two cells, or --stable"),
        (["r", "*threads=1", "mnist-cnn*"], 2, "A trains mnist-mlp and B mnist-cnn"),
        (["r", "churn*", "--stable"], 2, "harness diagnose SCRIPT"),
        (["r", "*threads=1", "*threads=2", "--format", "xml"], 2, "choose one of rich"),
        (["r", "*threads=1", "*threads=2", "--repeats", "1"], 2, "--repeats"),
        (["r", "*threads=1", "*threads=2", "--engine", "podman"], 2, "podman"),
        (["r:*threads=1", "other:*threads=1"], 9, "harness verify other runs the cell here"),
    ],
)
def test_a_mistake_is_said_and_nothing_is_run(
    arguments: list[str], code: int, said: str, results: Path
) -> None:
    ended = harness("why", *arguments, cwd=results)
    assert (ended.code, said in ended.err) == (code, True), ended
    assert "Traceback" not in ended.err and not (results / "results").exists()


@pytest.mark.slow
def test_what_needs_no_run_is_answered_from_the_records(results: Path) -> None:
    equal = harness("why", "r", "*threads=1", "*threads=3", cwd=results)
    assert equal.out.startswith("They do not differ: the recorded weights are equal.\nUnverified:")
    assert equal.code == 10 and "are not stored" in equal.err
    other = harness("why", "r:*threads=1", "other:*threads=1", cwd=results)
    assert other.out.startswith("Nothing that can be asked for differs; what does: machine ")


@pytest.mark.slow
def test_packages_that_came_with_the_results_are_not_run_unasked(tmp_path: Path) -> None:
    """A lock that a stranger could have chosen, on an engine that shuts nothing in."""
    sweep = SweepOnDisk(root=tmp_path / "r", matrix="m")
    content = (LOCKS / f"{cell().environment.id}.txt").read_bytes() + b"# of a stranger\n"
    bundled.keep_lock(sweep, cell(), content)
    for threads, kernel in ((1, bundled.KERNEL), (2, bundled.KERNEL[:1])):
        sha256 = hashlib.sha256(content).hexdigest()
        bundled.train(sweep, cell(threads=threads), kernel, lock_sha256=sha256)
    sweep.plan([])
    pair = ("why", "r", "*threads=1", "*threads=2", "--engine", "local", "--dry-run")
    refused = harness(*pair, cwd=tmp_path)
    assert refused.code == 2 and "come with the results" in refused.err
    assert "as you, with your files in reach" in refused.err
    trusted = harness(*pair, "--locks", "r/m/locks", cwd=tmp_path)
    assert trusted.code == 0, trusted.err
