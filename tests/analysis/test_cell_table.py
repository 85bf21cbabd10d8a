"""The cell table: verdicts, counts and letters."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from results_factory import SweepOnDisk, cell, hardware, weights_sha256

from harness.analysis import run_table
from harness.analysis.cell_table import by_cell
from harness.analysis.class_letters import class_letter
from harness.results.reading import read_record
from harness.results.record import Failure
from harness.results.statuses import STATUSES


def _cells(sweep: SweepOnDisk) -> pd.DataFrame:
    return by_cell(run_table.runs(sweep.root))


@pytest.mark.parametrize(
    ("weights", "runs", "distinct", "verdict"),
    [
        ((), 0, 0, "untested"),
        (("w",), 1, 1, "untested"),
        (("w", "w"), 2, 1, "stable"),
        (("w", "w", "v"), 3, 2, "unstable"),
        (("u", "v", "w"), 3, 3, "unstable"),
    ],
)
def test_the_verdict_needs_two_completed_runs(
    tmp_path: Path, weights: tuple[str, ...], runs: int, distinct: int, verdict: str
) -> None:
    sweep = SweepOnDisk(root=tmp_path, repeats=3)
    sweep.plan([cell()])
    sweep.complete(cell(), *weights)
    row = _cells(sweep).iloc[0]
    assert (row["runs"], row["distinct"], row["verdict"]) == (runs, distinct, verdict)


def test_results_are_those_of_the_first_completed_run(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path, repeats=3)
    sweep.plan([cell()])
    sweep.complete(cell(), "v", "w", "x", loss=0.5)
    sweep.end(cell(), 1, "timeout", "still running after 5 s")
    row = _cells(sweep).iloc[0]
    assert row["weights_sha256"] == weights_sha256("w")
    assert row["status"] == "2 completed, 1 timeout"
    assert row["reason"] == "still running after 5 s"


def test_a_cell_without_a_completed_run_has_no_results(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path, repeats=1)
    sweep.plan([cell()])
    sweep.complete(cell(), "w")
    path = sweep.folder / cell().id / "1.json"
    record = read_record(path)
    assert record is not None
    failure = Failure(type="invalid", message="on purpose")
    update = {"status": "invalid", "reason": failure.message, "failure": failure}
    sweep.write(record.model_copy(update=update))
    row = _cells(sweep).iloc[0]
    assert row["weights_sha256"] is pd.NA
    assert row["class"] is pd.NA
    assert row["status"] == "invalid"


def test_the_counts_of_a_cell_add_up_to_its_repeats(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path, repeats=4)
    gone = cell(threads=2, status="unavailable", reason="no wheels")
    sweep.plan([cell(), gone])
    sweep.complete(cell(), "w")
    sweep.end(cell(), 2, "failed", "ValueError")
    table = _cells(sweep)
    assert table[list(STATUSES)].sum(axis="columns").tolist() == [4, 4]
    assert table["repeats"].tolist() == [4, 4]
    assert table["status"].tolist() == ["1 completed, 1 failed, 2 pending", "unavailable"]


def test_the_same_cell_on_two_machines_is_two_rows(tmp_path: Path) -> None:
    for model, weights in (("m1", "w"), ("m2", "v")):
        sweep = SweepOnDisk(root=tmp_path, hardware=hardware(microarchitecture=model))
        sweep.plan([cell()])
        sweep.complete(cell(), weights, weights)
    table = by_cell(run_table.runs(tmp_path))
    assert table["verdict"].tolist() == ["stable", "stable"]
    assert table["class"].tolist() == ["A", "B"]


def test_the_table_does_not_depend_on_the_index_of_the_runs(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path)
    sweep.plan([cell(), cell(threads=1)])
    sweep.complete(cell(), "w", "w")
    runs = run_table.runs(tmp_path)
    twice = pd.concat([runs, runs.assign(machine="other")])
    assert by_cell(twice)["verdict"].tolist() == ["stable", "untested"] * 2


def test_different_initial_weights_are_counted_apart(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path)
    sweep.plan([cell()])
    sweep.complete(cell(), "v", "w", init="i")
    sweep.complete(cell(), "v", init="j")
    row = _cells(sweep).iloc[0]
    assert (row["distinct"], row["distinct_init"], row["distinct_predictions"]) == (2, 2, 2)


def test_runs_that_are_not_planned_have_no_say(tmp_path: Path) -> None:
    # Planned: two equal runs of one cell, and a cell that is excluded by now. Beyond the plan: a
    # third, different run of the first cell, an old run of the second, and a cell that is gone.
    sweep = SweepOnDisk(root=tmp_path, repeats=2)
    sweep.plan([cell(), cell(threads=1, status="excluded", reason="too slow")])
    sweep.complete(cell(), "w", "w", "v")
    sweep.complete(cell(threads=1), "u")
    sweep.complete(cell(threads=8), "t", "s")
    told = _cells(sweep)[["cell", "status", "verdict", "runs", "distinct", "repeats"]]
    assert list(told.itertuples(index=False, name=None)) == [
        (cell().id, "completed", "stable", 2, 1, 2),
        (cell(threads=1).id, "excluded", "untested", 0, 0, 2),
    ]


def test_letters_go_on_after_z() -> None:
    found = [class_letter(number) for number in (0, 25, 26, 51, 52, 701, 702)]
    assert found == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]
