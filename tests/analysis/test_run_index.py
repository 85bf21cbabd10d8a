"""The Parquet index: it answers only for what has not changed, and nothing depends on it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from results_factory import SweepOnDisk, cell, weights_sha256

from harness import stamps
from harness.analysis import run_assembly, run_index, run_table
from harness.errors import RecordError
from harness.matrix.cells import Cell
from harness.results import durable, reading

CELLS = [cell(seed=seed) for seed in range(run_index.LEAST // 2)]


@pytest.fixture
def sweep(tmp_path: Path) -> SweepOnDisk:
    """A sweep large enough for an index, all of it older than the coarsest tick."""
    made = SweepOnDisk(root=tmp_path, repeats=3)
    made.plan(CELLS)
    for each in CELLS:
        made.complete(each, "w", "w")
    return made


@pytest.fixture(autouse=True)
def _fine_ticks(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for the ticks of a FAT file system."""
    monkeypatch.setattr(stamps, "TICK_NS", 0)


def _opened(sweep: SweepOnDisk, monkeypatch: pytest.MonkeyPatch) -> tuple[pd.DataFrame, list[str]]:
    """The run table, and the records that were opened for it."""
    opened: list[str] = []
    read = reading.read_record

    def counting(path: Path) -> object:
        opened.append(f"{path.parent.name}/{path.name}")
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(run_assembly, "read_record", counting)
        return run_table.runs(sweep.root), opened


def _path(sweep: SweepOnDisk, each: Cell, repeat: int) -> Path:
    return sweep.folder / each.id / f"{repeat}.json"


def test_a_second_reading_opens_no_record_and_gives_the_same_table(
    sweep: SweepOnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, opened = _opened(sweep, monkeypatch)
    assert len(opened) == 2 * len(CELLS)
    again, opened = _opened(sweep, monkeypatch)
    assert opened == []
    pd.testing.assert_frame_equal(first, again)
    kept = pd.read_parquet(sweep.folder / run_index.NAME)
    assert kept["weights_sha256"].dropna().unique().tolist() == [weights_sha256("w")]


def _edited_in_place(sweep: SweepOnDisk) -> None:
    """The same size, and the time of modification put back: only the time of change tells."""
    path = _path(sweep, CELLS[3], 1)
    before, other = path.stat(), sweep.folder.parent / "other"
    SweepOnDisk(root=other, repeats=3).complete(CELLS[3], "v")
    content = next(other.rglob("1.json")).read_bytes()
    assert len(content) == before.st_size
    with path.open("r+b") as file:
        file.write(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES: dict[str, tuple[Callable[[SweepOnDisk], object], int]] = {
    "edited in place": (_edited_in_place, 1),
    "written again": (lambda sweep: sweep.complete(CELLS[3], "v"), 1),
    "added": (lambda sweep: sweep.complete(CELLS[3], "w", "w", "v"), 3),
    "removed": (lambda sweep: _path(sweep, CELLS[3], 2).unlink(), 0),
    "no longer planned": (lambda sweep: sweep.plan(CELLS[1:]), 0),
}


@pytest.mark.slow
@pytest.mark.parametrize("what", list(CHANGES))
def test_whatever_changes_is_noticed_and_only_that_is_opened(
    sweep: SweepOnDisk, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    change, count = CHANGES[what]
    before = run_table.runs(sweep.root)
    change(sweep)
    found, opened = _opened(sweep, monkeypatch)
    assert len(opened) == count
    assert not found.equals(before)
    (sweep.folder / run_index.NAME).unlink()
    pd.testing.assert_frame_equal(found, run_table.runs(sweep.root))


@pytest.mark.slow
def test_a_record_too_recent_to_tell_is_opened_again(
    sweep: SweepOnDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stamps, "TICK_NS", 3600 * 10**9)
    run_table.runs(sweep.root)
    assert len(_opened(sweep, monkeypatch)[1]) == 2 * len(CELLS)


@pytest.mark.slow
@pytest.mark.parametrize("damage", [b"", b"PAR1 and no more", None])
def test_a_damaged_index_is_no_index(sweep: SweepOnDisk, damage: bytes | None) -> None:
    first = run_table.runs(sweep.root)
    path = sweep.folder / run_index.NAME
    whole = path.read_bytes()
    middle = len(whole) // 3
    flipped = whole[:middle] + bytes(255 - byte for byte in whole[middle : middle + 9])
    path.write_bytes(flipped + whole[middle + 9 :] if damage is None else damage)
    pd.testing.assert_frame_equal(first, run_table.runs(sweep.root))


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _link(path: Path) -> None:
    elsewhere = path.parent.parent / "elsewhere.parquet"
    elsewhere.write_bytes(b"PAR1")
    path.symlink_to(elsewhere)


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize("make", [_pipe, _link, Path.mkdir])
def test_what_is_no_regular_file_is_no_index(
    sweep: SweepOnDisk, make: Callable[[Path], None]
) -> None:
    first = run_table.runs(sweep.root)
    path = sweep.folder / run_index.NAME
    path.unlink()
    make(path)
    pd.testing.assert_frame_equal(first, run_table.runs(sweep.root))
    elsewhere = sweep.folder.parent / "elsewhere.parquet"
    assert not elsewhere.exists() or elsewhere.read_bytes() == b"PAR1"


@pytest.mark.timeout(60)
def test_a_pipe_as_description_of_the_machine_is_refused(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path)
    sweep.plan(CELLS[:1])
    sweep.complete(CELLS[0], "w")
    (sweep.folder / "machine.json").unlink()
    os.mkfifo(sweep.folder / "machine.json")
    with pytest.raises(RecordError, match=r"machine\.json: is not a regular file"):
        run_table.runs(tmp_path)


@pytest.mark.slow
def test_without_records_no_index_is_trusted(sweep: SweepOnDisk) -> None:
    run_table.runs(sweep.root)
    empty = SweepOnDisk(root=sweep.root.parent / "empty", repeats=3)
    empty.folder.mkdir(parents=True)
    for name in ("machine.json", run_index.NAME):
        shutil.copy(sweep.folder / name, empty.folder / name)
    assert run_table.runs(empty.root).empty


@pytest.mark.slow
def test_a_folder_that_cannot_be_written_is_read(sweep: SweepOnDisk) -> None:
    shutil.rmtree(sweep.folder / durable.PARTIAL)
    (sweep.folder / durable.PARTIAL).write_text("in the way: no file can be made here")
    first = run_table.runs(sweep.root)
    assert not (sweep.folder / run_index.NAME).exists()
    pd.testing.assert_frame_equal(first, run_table.runs(sweep.root))


@pytest.mark.slow
def test_a_copied_sweep_is_told_by_its_new_folder(sweep: SweepOnDisk) -> None:
    run_table.runs(sweep.root)
    (sweep.root / sweep.matrix).rename(sweep.root / "renamed")
    assert run_table.runs(sweep.root)["matrix"].unique().tolist() == ["renamed"]


def test_few_records_need_no_index(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path, repeats=1)
    sweep.plan(CELLS[:3])
    sweep.complete(CELLS[0], "w")
    run_table.runs(tmp_path)
    assert not (sweep.folder / run_index.NAME).exists()
