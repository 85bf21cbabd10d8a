"""What a setting costs: only cells that differ in nothing else are a pair."""

from __future__ import annotations

from pathlib import Path

import pytest
from results_factory import SweepOnDisk, cell

from harness.analysis import run_table
from harness.analysis.columns import names
from harness.analysis.price_table import PRICE_COLUMNS, by_price
from harness.matrix.cells import Cell
from harness.results.reading import read_record

PLAIN, ON = cell(threads=1), cell(threads=1, determinism="on")


def timed(on: SweepOnDisk, of: Cell, *seconds: float) -> None:
    on.complete(of, *["w"] * len(seconds))
    for repeat, fit in enumerate(seconds, start=1):
        written = read_record(on.folder / of.id / f"{repeat}.json")
        assert written is not None
        on.write(written.model_copy(update={"seconds": {"fit": fit, "total": 10 + fit}}))


@pytest.fixture
def on(tmp_path: Path) -> SweepOnDisk:
    return SweepOnDisk(root=tmp_path)


@pytest.mark.slow
def test_a_setting_is_compared_with_the_same_cell_without_it(on: SweepOnDisk) -> None:
    faster = cell(threads=2), cell(threads=2, determinism="on")
    on.plan([PLAIN, ON, *faster])
    timed(on, PLAIN, 1.0, 2.0, 9.0)
    timed(on, ON, 3.0, 3.0)
    timed(on, faster[0], 1.0)
    timed(on, faster[1], 2.0)
    table = by_price(run_table.runs(on.root))
    assert list(table.columns) == names(PRICE_COLUMNS)
    (row,) = table[table["setting"] == "determinism=on"].to_dict("records")
    # The medians are 2 and 3, and 1 and 2.
    assert (row["fit_low"], row["fit_high"], row["pairs"]) == (1.5, 2.0, 2)
    assert row["fit_ratio"] == 1.75
    assert row["examples"][0] == (ON.id, PLAIN.id)


@pytest.mark.slow
def test_where_no_fit_was_seen_the_whole_run_is_the_time(on: SweepOnDisk) -> None:
    on.plan([PLAIN, ON])
    for of, total in ((PLAIN, 4.0), (ON, 6.0)):
        on.complete(of, "w")
        written = read_record(on.folder / of.id / "1.json")
        assert written is not None
        on.write(written.model_copy(update={"seconds": {"total": total}}))
    (row,) = by_price(run_table.runs(on.root)).to_dict("records")
    assert row["fit_ratio"] == row["total_ratio"] == 1.5


@pytest.mark.slow
def test_cells_that_differ_in_more_are_no_pair(on: SweepOnDisk) -> None:
    on.plan([PLAIN, cell(threads=2, determinism="on")])
    timed(on, PLAIN, 1.0)
    timed(on, cell(threads=2, determinism="on"), 2.0)
    assert by_price(run_table.runs(on.root)).empty


@pytest.mark.slow
def test_more_epochs_are_no_price(on: SweepOnDisk) -> None:
    on.plan([PLAIN, cell(threads=1, epochs=5)])
    timed(on, PLAIN, 1.0)
    timed(on, cell(threads=1, epochs=5), 5.0)
    assert by_price(run_table.runs(on.root)).empty


@pytest.mark.slow
def test_a_run_beside_one_that_is_not_shown_was_not_alone(on: SweepOnDisk) -> None:
    beside = cell(workload="co2-lstm", threads=1)
    on.plan([PLAIN, ON, beside])
    for of, started in ((PLAIN, "10:00:00"), (ON, "11:00:00"), (beside, "11:00:05")):
        on.complete(of, "w")
        written = read_record(on.folder / of.id / "1.json")
        assert written is not None
        seconds = {"fit": 2.0, "total": 10.0}
        update = {"seconds": seconds, "started": f"2026-11-28T{started}Z"}
        on.write(written.model_copy(update=update))
    runs = run_table.runs(on.root)
    shown = runs[runs["workload"] == "mnist-mlp"].reset_index(drop=True)
    assert by_price(shown, beside=runs)["alone"].tolist() == [0]
    assert by_price(shown)["alone"].tolist() == [1]
