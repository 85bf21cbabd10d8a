"""`harness rm`: records go, what other cells need stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import harness
from results_factory import SweepOnDisk, cell

import harness as program

ONE, TWO, OTHER = cell(threads=1), cell(threads=2), cell(workload="co2-lstm", threads=1)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    sweep = SweepOnDisk(root=tmp_path / "results")
    sweep.plan([ONE, TWO, OTHER])
    for each in (ONE, TWO, OTHER):
        sweep.complete(each, "a", "b")
    aside = sweep.folder / ONE.id / "1.superseded-0123abcd.json"
    aside.write_bytes((sweep.folder / ONE.id / "1.json").read_bytes())
    return sweep.root


def statuses(results: Path) -> dict[str, str]:
    frame = program.load(results)
    return dict(zip(frame["cell"], frame["status"], strict=True))


def test_the_records_of_a_cell_go_and_it_waits_to_be_run(results: Path, tmp_path: Path) -> None:
    ended = harness("rm", ONE.id, "--yes", cwd=tmp_path)
    assert ended.code == 0 and "removed 2 records of 1 cell;" in ended.err
    assert statuses(results) == {ONE.id: "pending", TWO.id: "completed", OTHER.id: "completed"}
    assert not list(results.rglob(f"{ONE.id}/*")), "what was put aside goes as well"


def test_a_workload_stands_for_its_cells(results: Path) -> None:
    assert harness("rm", "mnist-mlp", "--results", results, "-y").code == 0
    assert statuses(results)[OTHER.id] == "completed"
    assert {statuses(results)[one.id] for one in (ONE, TWO)} == {"pending"}


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["*threads=2*"], 2, "--yes removes 2 records of 1 cell"),
        (["*threads=7*", "-y"], 3, "ids"),
        (["*threads=2*", "*threads=7*", "-y"], 3, "no cell matches '*threads=7*'"),
        ([".", "mnist-mlp", "-y"], 3, ". is a folder: name results with --results"),
    ],
)
def test_without_leave_or_match_nothing_goes(
    results: Path, arguments: list[str], code: int, expected: str
) -> None:
    ended = harness("rm", *arguments, "--results", results)
    assert ended.code == code and expected in ended.err
    assert set(statuses(results).values()) == {"completed"}


def test_a_running_sweep_keeps_its_records(results: Path) -> None:
    from harness.results.store import Store

    sweep = SweepOnDisk(root=results)
    with Store(results, sweep.matrix, sweep.machine).lock():
        ended = harness("rm", "mnist-mlp", "--results", results, "-y")
    assert ended.code == 2 and "another sweep is running here" in ended.err
    assert set(statuses(results).values()) == {"completed"}
