"""What results say to do: no more than they show, and a control for each sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import harness
from results_factory import SweepOnDisk, cell

pytestmark = pytest.mark.slow


def advice(root: Path, *arguments: str) -> str:
    ended = harness("advise", str(root), *arguments, cwd=root)
    assert ended.code == 0, ended.err
    return ended.out


@pytest.fixture
def on(tmp_path: Path) -> SweepOnDisk:
    return SweepOnDisk(root=tmp_path)


def test_what_divides_unstable_cells_from_stable_ones_is_to_be_set(on: SweepOnDisk) -> None:
    on.plan([cell(), cell(determinism="on")])
    on.complete(cell(), "a", "b")
    on.complete(cell(determinism="on"), "c", "c")
    told = advice(on.root)
    assert "It did not repeat itself in 1 of 2 cells." in told
    assert "Set determinism=on: with off it is unstable, all else equal (1 pair); it took" in told


def test_what_repeats_itself_needs_no_more_than_its_seeds(on: SweepOnDisk) -> None:
    on.plan([cell()])
    on.complete(cell(), "a", "a")
    said = advice(on.root)
    assert "With seeding=all it repeated itself in the 1 cell that was repeated" in said


def test_what_repeats_itself_without_seeds_needs_none(on: SweepOnDisk) -> None:
    on.plan([cell(), cell(seeding="none")])
    for each in (cell(), cell(seeding="none")):
        on.complete(each, "a", "a")
    said = advice(on.root)
    assert "It repeated itself in all 2 cells that were repeated; nothing need be set" in said


def test_one_run_says_nothing(on: SweepOnDisk) -> None:
    on.plan([cell()])
    on.complete(cell(), "a")
    assert "No cell was run more than once" in advice(on.root)


def test_instability_that_nothing_divides_is_not_explained(on: SweepOnDisk) -> None:
    on.plan([cell(), cell(determinism="on")])
    on.complete(cell(), "a", "b")
    on.complete(cell(determinism="on"), "c", "d")
    told = advice(on.root)
    assert "Set " not in told
    assert "No one setting divides unstable cells from stable ones" in told


def test_releases_that_left_the_same_bits_are_families(on: SweepOnDisk) -> None:
    words = {"2.9.3": "a", "2.10.0": "b", "2.10.1": "b", "2.11.1": "c"}
    cells = {version: cell(tensorflow=version) for version in words}
    on.plan(list(cells.values()))
    for version, word in words.items():
        on.complete(cells[version], word, word)
    assert ": 2.10.0–2.10.1; every other release its own." in advice(on.root)


def test_without_weights_there_is_no_advice(on: SweepOnDisk) -> None:
    on.plan([cell()])
    on.end(cell(), 1, "failed", "it raised")
    ended = harness("advise", str(on.root), cwd=on.root)
    assert (ended.code, "no cell here has weights" in ended.err) == (3, True)
