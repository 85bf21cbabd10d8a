"""Tables kept beside the records: never anything else than what would be made of the runs."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow.parquet
import pytest
from results_factory import SweepOnDisk, cell

import harness
from harness import stamps
from harness.analysis import frames, index, kept
from harness.analysis.cell_table import by_cell
from harness.analysis.class_table import by_axis, by_class
from harness.analysis.frames import Results
from harness.analysis.tallies import tally
from harness.publish.run_summary import of_tally, summary
from harness.results import inventory

CELLS = [cell(seed=seed) for seed in range(index.LEAST // 2)]
KEPT = [index.NAME, ".axes.parquet", ".cells.parquet", ".classes.parquet", ".tally.parquet"]


@pytest.fixture(autouse=True)
def _fine_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for the ticks of a FAT file system."""
    monkeypatch.setattr(stamps, "TICK_NS", 0)


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
        results, whole = Results(root), harness.load(root)
        for found, made in (
            (results.classes, by_class(whole)),
            (results.axes, by_axis(whole)),
            (results.cells, by_cell(whole)),
            (results.tally, tally(whole)),
            (results.runs, whole),
        ):
            pd.testing.assert_frame_equal(found, made)
        assert all(isinstance(ids, list) for ids in results.classes["cell_ids"])
        assert of_tally(results.tally) == summary(whole)


def test_what_is_kept_is_what_would_be_made(
    sweep: SweepOnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    _check(sweep.root)
    assert {path.name for path in sweep.folder.glob(".*.parquet")} == set(KEPT)
    for module, name in ((frames, "by_cell"), (frames, "tally"), (frames.classes, "of_cells")):
        monkeypatch.setattr(module, name, lambda table: pytest.fail("it was kept"))
    assert len(Results(sweep.root).classes) == 7
    assert of_tally(Results(sweep.root).tally).startswith("100 cells × 2 repeats = 200 runs")


def test_whatever_changes_is_in_the_cells(sweep: SweepOnDisk) -> None:
    _check(sweep.root)
    sweep.complete(CELLS[3], "other", "w")
    _check(sweep.root)
    assert Results(sweep.root).cells["verdict"].value_counts()["unstable"] == 1
    (sweep.folder / CELLS[4].id / "2.json").unlink()
    _check(sweep.root)
    sweep.plan(CELLS[1:])
    _check(sweep.root)


def test_several_machines_share_their_letters(sweep: SweepOnDisk) -> None:
    _check(sweep.root)
    other = _made(sweep.root, "zen5-2cpu-22222222", "v", "v")
    _check(sweep.root)
    cells = Results(sweep.root).cells
    letters = cells.groupby("machine")["class"].unique()
    assert not set(letters.iloc[0]) & set(letters.iloc[1])
    other.plan([])
    _check(sweep.root)


def test_a_link_to_a_sweep_is_the_same_cells(sweep: SweepOnDisk) -> None:
    (sweep.folder.parent / "link").symlink_to(sweep.folder)
    _check(sweep.root)


@pytest.mark.parametrize("name", KEPT)
def test_a_damaged_file_is_no_file(sweep: SweepOnDisk, name: str) -> None:
    _check(sweep.root)
    path = sweep.folder / name
    path.write_bytes(path.read_bytes()[:-100])
    _check(sweep.root)


def test_cells_of_another_time_are_not_believed(sweep: SweepOnDisk) -> None:
    _check(sweep.root)
    old = {name: (sweep.folder / name).read_bytes() for name in KEPT}
    sweep.complete(CELLS[3], "other", "w")
    _check(sweep.root)
    for name, content in old.items():
        (sweep.folder / name).write_bytes(content)
    _check(sweep.root)


def test_what_is_no_record_is_said_once(
    sweep: SweepOnDisk, capsys: pytest.CaptureFixture[str]
) -> None:
    (sweep.folder / CELLS[0].id / "notes.txt").write_text("mine")
    for _ in range(2):
        assert len(Results(sweep.root).cells)
        assert capsys.readouterr().err.count("notes.txt") == 1


def test_records_too_recent_to_tell_leave_nothing(
    sweep: SweepOnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stamps, "TICK_NS", 3600 * 10**9)
    _check(sweep.root)
    assert not list(sweep.folder.glob(".*.parquet"))


def test_a_renamed_sweep_is_told_by_its_new_folder(sweep: SweepOnDisk) -> None:
    _check(sweep.root)
    sweep.folder.parent.rename(sweep.root / "renamed")
    _check(sweep.root)
    assert Results(sweep.root).cells["matrix"].unique().tolist() == ["renamed"]


@pytest.mark.parametrize("name", KEPT)
def test_a_table_with_other_columns_is_none(sweep: SweepOnDisk, name: str) -> None:
    _check(sweep.root)
    path = sweep.folder / name
    written = pyarrow.parquet.read_table(path)
    # Under the same key as before.
    pyarrow.parquet.write_table(written.drop_columns(written.column_names[-1:]), path)
    sweep.complete(CELLS[3], "other", "w")
    _check(sweep.root)


def test_where_no_records_are_nothing_kept_is_believed(
    tmp_path: Path,
) -> None:
    sweep = SweepOnDisk(root=tmp_path)
    sweep.plan(CELLS[:2])
    honest = Results(tmp_path).classes
    forged = Results(_made(tmp_path / "other", "zen4-2cpu-11111111", "w").root).classes
    (whole,) = frames.sweeps(tmp_path)
    key = kept.key_of(whole, inventory.seen(sweep.folder).digest)
    kept.write(sweep.folder / ".classes.parquet", forged, key)
    pd.testing.assert_frame_equal(Results(tmp_path).classes, honest)
