"""The setting table: asked, found, and how it was read; nothing unread passes for as asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from commands import harness
from results_factory import SweepOnDisk, cell

from harness.analysis.setting_table import AS_ASKED, DIFFERS, FREE, UNKNOWN, by_setting, grouped
from harness.results.reading import read_record
from harness.results.record import Found, Record

TWO = cell(threads=2, onednn="on")
ONE = cell(threads=1)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Two runs of a cell at two threads and one, at one thread, in which two were found."""
    sweep = SweepOnDisk(root=tmp_path, matrix="m")
    sweep.plan([TWO, ONE])
    sweep.complete(TWO, "a", "a")
    invalid = sweep.record(ONE, 1, "invalid", reason="threads: asked 1, found 2")
    _write(sweep, invalid, threads=Found(value=2, how="read"))
    sweep.complete(cell(threads=2), "b")
    completed = read_record(sweep.folder / cell(threads=2).id / "1.json")
    assert completed is not None
    _write(sweep, completed, numpy=Found(value="1.23.5", how="numpy.__version__"))
    return tmp_path


def _write(sweep: SweepOnDisk, record: Record, **found: Found) -> None:
    sweep.write(record.model_copy(update={"found": {**record.found, **found}}))


def of(frame: pd.DataFrame, where: object, setting: str) -> tuple[Any, ...]:
    row = frame[(frame["cell"] == where) & (frame["setting"] == setting)]
    assert len(row) == 1
    return tuple(row[["asked", "found", "state", "how", "runs"]].iloc[0])


def test_each_setting_says_what_was_asked_and_found_and_how(results: Path) -> None:
    frame = by_setting(results)
    assert of(frame, TWO.id, "threads") == ("2", "2", AS_ASKED, "read", 2)
    assert of(frame, ONE.id, "threads") == ("1", "2", DIFFERS, "read", 1)
    assert of(frame, cell(threads=2).id, "numpy")[2] == AS_ASKED


def test_what_was_not_read_back_is_unknown_and_says_why(results: Path) -> None:
    asked, found, state, how, _ = of(by_setting(results), TWO.id, "onednn")
    assert (asked, pd.isna(found), state, how) == ("on", True, UNKNOWN, "no")
    assert of(by_setting(results), TWO.id, "jit")[2:4] == (
        UNKNOWN,
        "the record's runner did not read it back",
    )


def test_what_anything_would_do_for_is_free(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path, matrix="m")
    sweep.plan([cell()])
    sweep.complete(cell(), "a")
    assert of(by_setting(tmp_path), cell().id, "threads")[:3] == ("default", "2", FREE)


def test_a_run_without_a_process_has_no_settings(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path, matrix="m")
    sweep.plan([cell()])
    sweep.end(cell(), 1, "unavailable", "not built")
    assert by_setting(tmp_path).empty


def test_people_see_each_finding_once_and_what_differs_first(results: Path) -> None:
    told = grouped(by_setting(results))
    assert told.loc[0, ["setting", "asked", "found", "state"]].tolist() == [
        "threads",
        "1",
        "2",
        DIFFERS,
    ]
    threads = told[(told["setting"] == "threads") & (told["asked"] == "2")]
    assert threads[["runs", "cells"]].values.tolist() == [[3, 2]]


@pytest.mark.slow
def test_the_command_has_every_row_for_programs(results: Path) -> None:
    done = harness("table", results, "--by", "setting", "--format", "json")
    assert done.code == 0, done.err
    assert len(json.loads(done.out)) == len(by_setting(results))
    shown = harness("table", results, "--by", "setting")
    assert shown.code == 0 and "differs" in shown.out and "unknown" in shown.out
