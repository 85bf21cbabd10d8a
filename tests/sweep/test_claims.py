"""A claim put to the test by real trainings, and turned round on purpose."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from answered_sweep import rows_of
from commands import harness

import harness as program

pytestmark = pytest.mark.tensorflow

LOCKS = Path(__file__).parents[1] / "data" / "matrices" / "locks"

MATRIX = """schema: 1
name: seeds
environments: {python: "3.11", tensorflow: 2.15.1}
axes: {threads: 1, samples: 256, epochs: 1, seeding: [all, none], shuffle: [on, off]}
repeats: 2
claims:
  - id: seeds
    says: Seeds make a training repeatable.
    expect: {stable with: {seeding: all}, unstable with: {seeding: none}}
  - id: shuffling
    says: Shuffling changes the weights.
    where: {seeding: all}
    expect: {different over: shuffle}
  - id: hardware
    says: Every machine leaves the same weights.
    expect: {equal over: machine}
"""


def test_claims_are_judged_by_the_runs_and_one_turned_round_fails(tmp_path: Path) -> None:
    shutil.copytree(LOCKS, tmp_path / "locks")
    matrix, results = tmp_path / "seeds.yaml", tmp_path / "results"
    run = ("run", matrix, "--engine", "local", "--results", results)
    check = ("table", results, "--by", "claim", "--check")

    matrix.write_text(MATRIX)
    assert harness(*run).code == 0
    assert rows_of(program.claims(results), "claim", "verdict", "held", "tried") == [
        ("seeds", "supported", 2, 2),
        ("shuffling", "supported", 1, 1),
        ("hardware", "not tried", 0, 0),
    ]
    assert harness(*check).code == 0

    # Another claim about the same cells: nothing is run again, and it does not hold.
    matrix.write_text(
        MATRIX.replace("seeding: all}, uns", "seeding: none}, uns").replace(
            "unstable with: {seeding: none}", "unstable with: {seeding: all}"
        )
    )
    again = harness(*run)
    assert again.code == 0 and "0 runs to do" in again.err
    ended = harness(*check)
    assert ended.code == 9 and "seeds, mnist-mlp: refuted" in ended.err
