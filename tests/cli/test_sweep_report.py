"""What `run` prints at the end of a sweep."""

from __future__ import annotations

from pathlib import Path

import pytest
from results_factory import SweepOnDisk, cell

from harness.cli import sweep_report


def reported(sweep: SweepOnDisk, capsys: pytest.CaptureFixture[str]) -> str:
    sweep_report.show(sweep.root / sweep.matrix)
    return capsys.readouterr().out


def test_what_axes_did_is_only_shown_where_there_are_pairs_of_cells(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = SweepOnDisk(root=tmp_path)
    one, two = cell(threads=1), cell(threads=2)
    sweep.plan([one])
    sweep.complete(one, "a", "a")
    alone = reported(sweep, capsys)
    assert "1 cell · 1 class" in alone and "No rows" not in alone and "changed" not in alone
    sweep.plan([one, two])
    sweep.complete(two, "b", "b")
    both = reported(sweep, capsys)
    assert "2 classes" in both and "threads" in both.partition("2 classes")[2]
