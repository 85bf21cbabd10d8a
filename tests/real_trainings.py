"""Small matrices of real trainings, run here to compare with what others leave."""

from __future__ import annotations

import shutil
from pathlib import Path

from commands import harness
from simulated_cluster import LOCKS

import harness as program

BITS = ["init_sha256", "weights_sha256", "predictions_sha256", "printed_sha256"]


def matrix_in(folder: Path, text: str) -> Path:
    """A matrix file of this text, its lock beside it."""
    shutil.copytree(LOCKS, folder / "locks")
    path = folder / "real.yaml"
    path.write_text(text)
    return path


def bits(results: Path) -> dict[tuple[str, int], tuple[str, ...]]:
    """What each run left; every run must be completed."""
    frame = program.load(results)
    assert set(frame["status"]) == {"completed"}, frame[["cell", "status", "reason"]]
    names = [name for name in BITS if name in frame]
    rows = frame.set_index(["cell", "repeat"])[names].astype("string").fillna("")
    return {name: tuple(values) for name, values in zip(rows.index, rows.to_numpy(), strict=True)}


def run_here(matrix: Path, results: Path) -> None:
    """Run a matrix with the local engine, on this machine."""
    ended = harness("run", matrix, "--engine", "local", "--results", results)
    assert ended.code == 0, ended.err
