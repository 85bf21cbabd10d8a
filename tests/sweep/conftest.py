"""One small matrix for whole sweeps, and what its runs leave when cold and alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from commands import harness

import harness as program

DATA = Path(__file__).parents[1] / "data" / "matrices"

Hashes = dict[tuple[str, int], tuple[str, str, str]]


def tiny_in(folder: Path) -> Path:
    """A matrix of one environment, eight cells, one repeat, with its locks beside it."""
    shutil.copytree(DATA / "locks", folder / "locks")
    path = folder / "tiny.yaml"
    path.write_text(
        (DATA / "small.yaml")
        .read_text()
        .replace("name: small", "name: tiny")
        .replace("[2.12.1, 2.15.1]", "2.15.1")
        .replace("threads: [1, 2]", "threads: [1, 2]\n  determinism: [off, on]")
        .replace("repeats: 2", "repeats: 1")
    )
    return path


@pytest.fixture
def matrix(tmp_path: Path) -> Path:
    """The matrix, in a folder of the test's own."""
    return tiny_in(tmp_path)


@pytest.fixture(scope="session")
def hashes() -> Callable[[Path], Hashes]:
    """Reads the hashes of all runs that were made below a folder; each must be completed."""

    def read(results: Path) -> Hashes:
        frame = program.load(results)
        frame = frame[frame["status"] != "pending"]
        assert set(frame["status"]) == {"completed"}, frame[["cell", "status", "reason"]]
        return {
            (row.cell, row.repeat): (row.init_sha256, row.weights_sha256, row.predictions_sha256)
            for row in frame.itertuples()
        }

    return read


@pytest.fixture(scope="session")
def one_by_one(
    tmp_path_factory: pytest.TempPathFactory, hashes: Callable[[Path], Hashes]
) -> Hashes:
    """What each run of the matrix leaves in a process of its own, with nothing beside it."""
    folder = tmp_path_factory.mktemp("one-by-one")
    # One run's share is more than half of the memory, so only one runs at a time.
    alone = ("--isolation", "fresh", "--memory", "1000G")
    ended = harness(
        "run", tiny_in(folder), "--engine", "local", "--results", folder / "results", *alone
    )
    assert ended.code == 0, ended.err
    found = hashes(folder / "results")
    assert len(found) == 8
    return found
