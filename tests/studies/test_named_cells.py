"""Cells named on the command line: what is found, and what is said where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from results_factory import SweepOnDisk, cell, hardware

from harness.errors import SelectionError, UsageError
from harness.studies.named_cells import resolve

ONE, TWO = cell(threads=1), cell(threads=2)
OTHER = hardware(cpu_model="Xeon", microarchitecture="icelake")


@pytest.fixture
def results(tmp_path: Path) -> str:
    """Two cells on one machine, one of them on a second one, too, and cells without weights."""
    here = SweepOnDisk(root=tmp_path)
    failed, pending = cell(threads=3), cell(threads=5)
    barred = cell(threads=4, status="excluded", reason="never asked for")
    here.plan([ONE, TWO, failed, barred, pending])
    here.complete(ONE, "a", "a")
    here.complete(TWO, "b", "c")
    here.end(failed, 1, "failed", "no such layer\nand more")
    there = SweepOnDisk(root=tmp_path, hardware=OTHER)
    there.plan([ONE])
    there.complete(ONE, "a")
    return str(tmp_path)


def test_two_cells_of_one_folder_and_of_two_are_the_same(results: str) -> None:
    here = SweepOnDisk(root=Path()).machine
    a, b = resolve([results, ONE.id, "*threads=2"], prefer=here)
    assert (a.cell, b.cell, len(a.records), b.repeat) == (ONE.id, TWO.id, 2, None)
    pair = [f"{results}:{ONE.id}", f"{results}:*threads=2"]
    assert resolve(pair, prefer=here) == (a, b)
    assert b.name == f"quickstart/{here}/{TWO.id}"


def test_a_run_is_named_by_its_number(results: str) -> None:
    first, second = resolve([results, f"{TWO.id}#1", "*threads=2#2"])
    assert [each.repeat for each in (*first.records, *second.records)] == [1, 2]
    assert second.name.endswith("threads=2#2")
    with pytest.raises(SelectionError, match=r"no run 3 with weights; those that have some: 1, 2"):
        resolve([results, ONE.id, f"{TWO.id}#3"])


def test_of_several_machines_the_preferred_one_is_taken_and_each_can_be_named(
    results: str,
) -> None:
    machines = SweepOnDisk(root=Path()).machine, SweepOnDisk(root=Path(), hardware=OTHER).machine
    for machine in machines:
        (side,) = resolve([results, ONE.id], sides=1, prefer=machine)
        assert side.sweep.machine == machine
        named, whole = resolve([results, f"{machine}/{ONE.id}", f"*/{machine}/*threads=1"])
        assert named == whole and named.sweep.machine == machine


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("*", r"fits 3 cells in .*; name one of\n  mnist-mlp.*threads=1\n"),
        (
            "*threads=22",
            r"no cell in .* has the name .*; the nearest are\n  mnist-mlp.*threads=2\n",
        ),
        ("*threads=3", r"has no weights: failed: no such layer$"),
        ("*threads=4", r"has no weights: excluded: never asked for$"),
        ("*threads=5", r"has no weights: it was never run$"),
    ],
)
def test_what_cannot_be_taken_is_said_with_what_could(results: str, name: str, said: str) -> None:
    with pytest.raises(SelectionError, match=said):
        resolve([results, ONE.id, name])


@pytest.mark.parametrize(
    ("arguments", "sides", "said"),
    [
        ((), 2, "name two cells: DIR A B, or DIR1:A DIR2:B"),
        (("results", "a"), 2, "name two cells"),
        (("results", "a", "b", "c"), 2, "name two cells"),
        (("results:a", ":b"), 2, "name two cells"),
        (("results",), 1, "name one cell: DIR A, or DIR:A"),
        (("missing", "a", "b"), 2, "missing: no such folder"),
        (("missing:a", "missing:b"), 2, "missing: no such folder"),
    ],
)
def test_wrong_arguments_are_said(arguments: tuple[str, ...], sides: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        resolve(arguments, sides=sides)
