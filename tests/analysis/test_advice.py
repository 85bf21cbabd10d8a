"""What results say to do: no more than they show, and a control for each sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from commands import harness
from results_factory import SweepOnDisk, cell, hardware

from harness.analysis import merging
from harness.analysis.advice import findings

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


def test_devices_and_matrices_are_not_pooled_and_machines_counted_one_by_one(
    tmp_path: Path,
) -> None:
    sweeps = [
        SweepOnDisk(root=tmp_path),
        SweepOnDisk(root=tmp_path, hardware=hardware(cpu_model="Xeon")),
        SweepOnDisk(root=tmp_path, matrix="other"),
    ]
    cells = [cell(), cell(determinism="on"), cell(device="gpu")]
    for place, sweep in enumerate(sweeps):
        sweep.plan(cells)
        sweep.complete(cells[0], "a", "a" if place == 1 else "b")
        sweep.complete(cells[1], f"c{place}", f"c{place}")
        sweep.complete(cells[2], "d", "d")
    told = advice(tmp_path)
    assert re.findall(r"^mnist-mlp .*", told, re.M) == [
        "mnist-mlp (other, cpu)",
        "mnist-mlp (other, gpu)",
        "mnist-mlp (quickstart, cpu)",
        "mnist-mlp (quickstart, gpu)",
    ]
    assert "It did not repeat itself in 1 of 2 cells.\n" in told
    assert "It did not repeat itself in 1 of 4 cells (" in told
    assert f"1 of 2 on {sweeps[0].machine}" in told and f"0 of 2 on {sweeps[1].machine}" in told


def test_a_headline_names_the_remedy_and_the_two_cells_that_show_it(on: SweepOnDisk) -> None:
    on.plan([cell(), cell(determinism="on"), cell(workload="co2-lstm")])
    on.complete(cell(), "a", "b")
    on.complete(cell(determinism="on"), "c", "c")
    on.complete(cell(workload="co2-lstm"), "d", "d")
    unstable, stable = findings(merging.merge([on.root]))
    assert unstable.headline.text == "Not repeatable in 1 of 2 cells: set determinism=on."
    shown = [cell().id, cell(determinism="on").id]
    assert [each.cell for each in unstable.headline.cells] == shown
    assert (stable.headline.text, stable.headline.cells) == ("Repeatable in the 1 cell.", ())


def test_a_headline_says_what_changed_the_bits(on: SweepOnDisk) -> None:
    cells = {(seed, n): cell(seed=seed, threads=n) for seed in range(5) for n in (1, 2)}
    on.plan(list(cells.values()))
    for (seed, _), each in cells.items():
        on.complete(each, f"s{seed}", f"s{seed}", found={"threads": each.settings["threads"]})
    (found,) = findings(merging.merge([on.root]))
    text = "Repeatable in all 10 cells; its bits changed with seed (always)."
    assert found.headline.text == text
    one, other = found.headline.cells
    assert (one.cell, other.cell) == (cells[0, 1].id, cells[1, 1].id)


def test_without_weights_there_is_no_advice(on: SweepOnDisk) -> None:
    on.plan([cell()])
    on.end(cell(), 1, "failed", "it raised")
    ended = harness("advise", str(on.root), cwd=on.root)
    assert (ended.code, "no cell here has weights" in ended.err) == (3, True)


def test_a_setting_that_was_not_enough_is_said_to_be_so(on: SweepOnDisk) -> None:
    """Control: a cell that has the advised value and is unstable all the same."""
    settled, other = {"tensorflow": "2.15.1"}, {"tensorflow": "2.4.4"}
    cells = [cell(**settled), cell(**settled, determinism="on"), cell(**other, determinism="on")]
    on.plan(cells)
    for each, words in zip(cells, ("ab", "cc", "de"), strict=True):
        on.complete(each, *words)
    said = advice(on.root)
    assert "Set determinism=on" in said
    assert f"That was not enough in 1 cell with determinism=on, such as {cells[2].id}." in said
    (found,) = findings(merging.merge([on.root]))
    assert "set determinism=on (not enough in 1)" in found.headline.text
