"""Runs that contradict themselves get a row like others, and no table fails on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from results_factory import SweepOnDisk, cell

from harness.analysis import run_table
from harness.analysis.axis_table import by_axis
from harness.analysis.cell_table import by_cell
from harness.analysis.class_table import by_class
from harness.publish.formats import FORMATS
from harness.publish.tables import render

RESULTS = ["weights_sha256", "init_sha256", "predictions_sha256", "loss", "value", "metric"]


@pytest.fixture
def runs(tmp_path: Path) -> pd.DataFrame:
    sweep = SweepOnDisk(root=tmp_path)
    cells = [cell(threads=1), cell(threads=2)]
    sweep.plan(cells)
    for each in cells:
        sweep.complete(each, "w", "w")
    return run_table.runs(tmp_path)


def _without_results(runs: pd.DataFrame, rows: list[int]) -> pd.DataFrame:
    changed = runs.copy()
    changed.loc[rows, RESULTS] = pd.NA
    typed: pd.DataFrame = changed.astype(runs.dtypes)
    return typed


@pytest.mark.slow
@pytest.mark.parametrize("rows", [[0], [1], [0, 1], [0, 2], [0, 1, 2, 3]])
@pytest.mark.parametrize("table", [by_cell, by_class, by_axis])
def test_completed_runs_without_measurements_end_no_table(
    runs: pd.DataFrame, rows: list[int], table: Callable[[pd.DataFrame], pd.DataFrame]
) -> None:
    frame = table(_without_results(runs, rows))
    for format in FORMATS:
        assert render(frame, format)


def test_a_completed_run_without_measurements_shows_no_stability(runs: pd.DataFrame) -> None:
    cells = by_cell(_without_results(runs, [0]))
    assert cells["verdict"].tolist() == ["untested", "stable"]
    assert cells["class"].isna().tolist() == [True, False]
    assert cells["class"].tolist()[1] == "A"
    assert cells["weights_sha256"].isna().tolist() == [True, False]
