"""The cell table kept beside the records: quicker, and never anything else than the runs say."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from results_factory import SweepOnDisk, cell

import harness
from harness.analysis import frames, index, kept
from harness.analysis.cells import by_cell
from harness.analysis.tallies import tally
from harness.publish.summary import summary, summary_of
from harness.results import inventory

CELLS = [cell(seed=seed) for seed in range(index.LEAST // 2)]


@pytest.fixture(autouse=True)
def _fine_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for the ticks of a FAT file system."""
    monkeypatch.setattr(inventory, "_TICK_NS", 0)


def _made(root: Path, machine: str, *words: str) -> SweepOnDisk:
    made = SweepOnDisk(root=root, machine=machine)
    made.plan(CELLS)
    for number, each in enumerate(CELLS):
        made.complete(each, *(f"{word}{number % 7}" for word in words))
    return made


@pytest.fixture
def sweep(tmp_path: Path) -> SweepOnDisk:
    """A sweep large enough for an index."""
    return _made(tmp_path, "zen4-2cpu-11111111", "w", "w")


def _check(root: Path) -> None:
    """Twice, since the first time may leave what the second time reads."""
    for _ in range(2):
        cells, counts = frames.cells(root)
        whole = harness.load(root)
        pd.testing.assert_frame_equal(cells, by_cell(whole))
        pd.testing.assert_frame_equal(counts, tally(whole))
        assert summary_of(cells, counts) == summary(whole)


def test_the_kept_cells_are_those_of_the_runs(
    sweep: SweepOnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    _check(sweep.root)
    monkeypatch.setattr(frames, "by_cell", lambda runs: pytest.fail("they were kept"))
    frames.cells(sweep.root)


def test_whatever_changes_is_in_the_cells(sweep: SweepOnDisk) -> None:
    frames.cells(sweep.root)
    sweep.complete(CELLS[3], "other", "w")
    _check(sweep.root)
    assert frames.cells(sweep.root)[0]["verdict"].value_counts()["unstable"] == 1
    (sweep.folder / CELLS[4].id / "2.json").unlink()
    _check(sweep.root)
    sweep.plan(CELLS[1:])
    _check(sweep.root)


def test_several_machines_share_their_letters(sweep: SweepOnDisk) -> None:
    _check(sweep.root)
    other = _made(sweep.root, "zen5-2cpu-22222222", "v", "v")
    _check(sweep.root)
    cells = frames.cells(sweep.root)[0]
    letters = cells.groupby("machine")["class"].unique()
    assert not set(letters.iloc[0]) & set(letters.iloc[1])
    other.plan([])
    _check(sweep.root)


def test_a_link_to_a_sweep_is_the_same_cells(sweep: SweepOnDisk) -> None:
    (sweep.folder.parent / "link").symlink_to(sweep.folder)
    _check(sweep.root)


@pytest.mark.parametrize("name", [index.NAME, kept.CELLS, kept.TALLY])
def test_a_damaged_file_is_no_file(sweep: SweepOnDisk, name: str) -> None:
    _check(sweep.root)
    path = sweep.folder / name
    path.write_bytes(path.read_bytes()[:-100])
    _check(sweep.root)


def test_cells_of_another_time_are_not_believed(sweep: SweepOnDisk) -> None:
    frames.cells(sweep.root)
    old = (sweep.folder / kept.CELLS).read_bytes()
    sweep.complete(CELLS[3], "other", "w")
    frames.cells(sweep.root)
    (sweep.folder / kept.CELLS).write_bytes(old)
    _check(sweep.root)


def test_what_is_no_record_is_said_once(
    sweep: SweepOnDisk, capsys: pytest.CaptureFixture[str]
) -> None:
    (sweep.folder / CELLS[0].id / "notes.txt").write_text("mine")
    for _ in range(2):
        frames.cells(sweep.root)
        assert capsys.readouterr().err.count("notes.txt") == 1


def test_records_too_recent_to_tell_leave_no_cells(
    sweep: SweepOnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "_TICK_NS", 3600 * 10**9)
    _check(sweep.root)
    assert not (sweep.folder / kept.CELLS).exists()
