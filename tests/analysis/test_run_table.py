"""The run table: a row per planned run, whatever became of it."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from results_factory import MACHINE, SweepOnDisk, cell, hardware, sha256, weights_sha256

from harness.analysis import run_table
from harness.analysis.axis_table import by_axis
from harness.analysis.cell_table import by_cell
from harness.analysis.class_table import by_class
from harness.analysis.columns import (
    CELL_COLUMNS,
    CLASS_COLUMNS,
    EFFECT_COLUMNS,
    RUN_COLUMNS,
    Column,
)
from harness.errors import RecordError, UsageError
from harness.protocol.axes import NAMES
from harness.results import vouchers
from harness.results.reading import read_record
from harness.results.record import AuditPart
from harness.results.vouchers import Voucher

REQUIRED = [
    *("matrix", "machine", "cell", "repeat", "status", "reason", "engine", "workload", "python"),
    *("tensorflow", "keras", "numpy", "device"),
    *(name for name in NAMES if name not in ("device", "workload", "parameters")),
    *("data_sha256", "init_sha256", "weights_sha256", "predictions_sha256", "loss", "metric"),
    *("value", "import_s", "fit_s", "total_s", "image", "lock_sha256"),
]


def test_the_columns_of_the_issue_come_first_and_in_order() -> None:
    assert [column.name for column in RUN_COLUMNS][: len(REQUIRED)] == REQUIRED


@pytest.mark.parametrize("columns", [RUN_COLUMNS, CELL_COLUMNS, CLASS_COLUMNS, EFFECT_COLUMNS])
def test_every_column_is_named_once_and_explained_in_a_sentence(
    columns: tuple[Column, ...],
) -> None:
    assert len({column.name for column in columns}) == len(columns)
    assert all(column.sentence.endswith((".", "…")) for column in columns)


def test_a_completed_run_tells_what_was_asked_found_and_measured(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path, repeats=1)
    asked = cell(threads=1, env=(("A", "1"), ("B", "2")), isa="avx2")
    sweep.plan([asked])
    sweep.complete(asked, "w", loss=0.1, value=0.7)
    row = run_table.runs(tmp_path).iloc[0]
    expected = {
        "matrix": "quickstart",
        "machine": MACHINE,
        "cell": asked.id,
        "repeat": 1,
        "status": "completed",
        "reason": "",
        "engine": "local",
        "workload": "mnist-mlp",
        "python": "3.10",
        "tensorflow": "2.10.0",
        "keras": "2.10.0",
        "numpy": "1.23.5",
        "threads": "1",
        "seed": "42",
        "env": "A=1 B=2",
        "weights_sha256": weights_sha256("w"),
        "loss": 0.1,
        "metric": "accuracy",
        "value": 0.7,
        "fit_s": 1.25,
        "planned": True,
        "emulated": True,
        "found_threads": "1",
    }
    assert {name: row[name] for name in expected} == expected
    assert row["found_onednn"] is pd.NA


def test_planned_runs_without_a_record_have_the_plans_status(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path)
    todo = cell(threads=2)
    gone = cell(python="3.13", numpy=None, status="unavailable", reason="no wheels")
    unwanted = cell(threads=4, status="excluded", reason="too slow")
    sweep.plan([todo, gone, unwanted])
    table = run_table.runs(tmp_path)
    assert list(zip(table["cell"], table["repeat"], table["status"], strict=True)) == [
        (todo.id, 1, "pending"),
        (todo.id, 2, "pending"),
        (gone.id, 1, "unavailable"),
        (gone.id, 2, "unavailable"),
        (unwanted.id, 1, "excluded"),
        (unwanted.id, 2, "excluded"),
    ]
    assert table["reason"].tolist() == ["", "", "no wheels", "no wheels", "too slow", "too slow"]
    assert table.loc[2, "numpy"] is pd.NA
    assert table["planned"].all()


@pytest.mark.parametrize("status", ["unavailable", "excluded"])
def test_the_plan_answers_before_an_older_record_which_is_kept(tmp_path: Path, status: str) -> None:
    sweep = SweepOnDisk(root=tmp_path, repeats=2)
    sweep.plan([cell(status=status, reason="no wheels"), cell(threads=1)])
    sweep.complete(cell(), "w")
    sweep.complete(cell(threads=1), "v")
    table = run_table.runs(tmp_path)
    names = ["cell", "repeat", "status", "reason", "planned"]
    assert list(table[names].itertuples(index=False, name=None)) == [
        (cell().id, 1, status, "no wheels", True),
        (cell().id, 2, status, "no wheels", True),
        (cell(threads=1).id, 1, "completed", "", True),
        (cell(threads=1).id, 2, "pending", "", True),
        (cell().id, 1, "completed", "", False),
    ]
    hashes = table["weights_sha256"]
    assert hashes[4] == weights_sha256("w")
    assert hashes[:2].isna().all()


def test_a_run_has_its_code_and_how_its_process_came_about(tmp_path: Path) -> None:
    process: dict[str, object] = {"isolation": "forked"}
    audit = AuditPart(state="passed", sentence="mnist-mlp: the same hashes")
    sweep = SweepOnDisk(root=tmp_path, repeats=1, runner="new", process=process, audit=audit)
    sweep.plan([cell(), cell(threads=1), cell(threads=2)])
    sweep.complete(cell(), "w")
    dataclasses.replace(sweep, runner="old", process={}, audit=None).complete(cell(threads=1), "w")
    table = run_table.runs(tmp_path)[["code_sha256", "isolation", "audit"]]
    assert table.astype(object).where(table.notna(), None).to_numpy().tolist() == [
        [sha256("new"), "forked", "mnist-mlp: the same hashes"],
        [sha256("old"), None, None],
        [None, None, None],
    ]


def test_an_audit_is_a_state_and_a_sentence(tmp_path: Path) -> None:
    audit = AuditPart(state="failed", sentence="forked and cold runs differ in loss")
    sweep = SweepOnDisk(root=tmp_path, repeats=1, audit=audit)
    sweep.plan([cell()])
    sweep.complete(cell(), "w")
    row = run_table.runs(tmp_path).iloc[0]
    assert (row["audit"], row["audit_state"]) == (audit.sentence, "failed")


@pytest.mark.parametrize(("isolation", "expected"), [("fresh", 3.5), ("forked", None)])
def test_a_forked_run_has_no_import(tmp_path: Path, isolation: str, expected: float | None) -> None:
    sweep = SweepOnDisk(root=tmp_path, repeats=1, process={"isolation": isolation})
    sweep.plan([cell()])
    sweep.complete(cell(), "w")
    seconds = run_table.runs(tmp_path)["import_s"]
    assert seconds.astype(object).where(seconds.notna(), None).tolist() == [expected]


def test_every_axis_has_the_value_that_was_found(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path, repeats=1)
    one = cell(env=(("A", "1"), ("B", "2")))
    sweep.plan([one])
    sweep.complete(one, "w", found={"jit": "off", "cpus": 2, "env": {"B": "2", "A": "1"}})
    row = run_table.runs(tmp_path).iloc[0]
    names = ("found_jit", "found_cpus", "found_env", "found_eager")
    assert [row[name] for name in names] == ["off", "2", "A=1 B=2", pd.NA]


def test_records_that_no_plan_asks_for_are_kept_and_marked(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path, repeats=1)
    planned, dropped = cell(), cell(threads=3)
    sweep.plan([planned])
    sweep.complete(planned, "w", "w")
    sweep.complete(dropped, "v")
    table = run_table.runs(tmp_path)
    told = list(zip(table["cell"], table["repeat"], table["planned"], strict=True))
    assert told == [(planned.id, 1, True), (planned.id, 2, False), (dropped.id, 1, False)]


@pytest.mark.slow
def test_rows_stand_in_the_order_of_matrix_machine_and_plan(tmp_path: Path) -> None:
    cells = [cell(tensorflow="2.9.3"), cell(tensorflow="2.10.0")]
    names = {}
    for matrix, model in (("b", "m1"), ("a", "m2"), ("a", "m1")):
        its = hardware(microarchitecture=model)
        sweep = SweepOnDisk(root=tmp_path, matrix=matrix, hardware=its, repeats=1)
        sweep.plan(cells)
        names[model] = sweep.machine
    table = run_table.runs(tmp_path)
    told = list(zip(table["matrix"], table["machine"], table["tensorflow"], strict=True))
    places = [("a", names["m1"]), ("a", names["m2"]), ("b", names["m1"])]
    assert told == [(*place, version) for place in places for version in ("2.9.3", "2.10.0")]


def test_one_matrix_below_the_folder_can_be_read_alone(tmp_path: Path) -> None:
    for matrix in ("a", "b"):
        SweepOnDisk(root=tmp_path, matrix=matrix, repeats=1).plan([cell()])
    assert run_table.runs(tmp_path / "b")["matrix"].tolist() == ["b"]


def test_versions_are_those_the_process_saw(tmp_path: Path) -> None:
    seen = {"2.4.4": {"tensorflow": "2.4.4", "keras": "2.4.0", "numpy": "1.19.5"}}
    sweep = SweepOnDisk(root=tmp_path, repeats=1, versions=seen)
    old = cell(tensorflow="2.4.4", python="3.8", numpy=None)
    sweep.plan([old])
    sweep.complete(old, "w")
    row = run_table.runs(tmp_path).iloc[0]
    assert (row["keras"], row["numpy"]) == ("2.4.0", "1.19.5")


@pytest.mark.slow
def test_the_frames_have_the_documented_columns_and_dtypes_empty_or_not(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path)
    sweep.plan([cell(), cell(threads=1)])
    for number in range(2):
        runs = run_table.runs(tmp_path)
        made = (
            (runs, RUN_COLUMNS),
            (by_cell(runs), CELL_COLUMNS),
            (by_class(runs), CLASS_COLUMNS),
            (by_axis(runs), EFFECT_COLUMNS),
        )
        for frame, columns in made:
            assert list(frame.columns) == [column.name for column in columns]
            for column in columns:
                assert frame[column.name].dtype == column.dtype
        if number == 0:
            assert by_class(runs).empty
            sweep.complete(cell(), "w")
            sweep.complete(cell(threads=1), "v")


def test_a_plan_without_cells_gives_an_empty_table(tmp_path: Path) -> None:
    SweepOnDisk(root=tmp_path).plan([])
    runs = run_table.runs(tmp_path)
    assert runs.empty
    assert [len(frame(runs)) for frame in (by_cell, by_class, by_axis)] == [0, 0, 0]


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no results"):
        run_table.runs(tmp_path)


def test_a_loss_that_is_no_number_names_the_file(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path, repeats=1)
    sweep.plan([cell()])
    sweep.complete(cell(), "w", loss=0.5)
    path = sweep.folder / cell().id / "1.json"
    record = read_record(path)
    assert record is not None and record.measured is not None
    measured = record.measured.model_copy(update={"loss": "zero"})
    sweep.write(record.model_copy(update={"measured": measured}))
    with pytest.raises(RecordError, match=r"1\.json: contradicts itself: its loss is zero"):
        run_table.runs(tmp_path)


def test_importing_the_package_does_not_import_pandas() -> None:
    code = "import sys, harness; sys.exit('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_what_did_not_complete_is_vouched_for_by_no_run(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path)
    sweep.plan([cell()])
    sweep.complete(cell(), "w")
    sweep.end(cell(), 2, "failed", "the training raised ValueError")
    row = run_table.runs(tmp_path).iloc[0]
    made = {"lock_sha256": row["lock_sha256"], "old": row["code_sha256"], "new": "n"}
    voucher = Voucher(**made, workload="mnist-mlp", cell="x", repeat=2, equal=True)
    vouchers.add(sweep.folder, [voucher])
    table = run_table.runs(tmp_path)
    assert table["status"].tolist() == ["completed", "failed"]
    assert table["vouched_by"].notna().tolist() == [True, False]


def test_vouchers_that_are_a_link_to_nothing_are_refused(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path)
    sweep.plan([cell()])
    sweep.complete(cell(), "w", "w")
    (sweep.folder / "vouchers.json").symlink_to(tmp_path / "nothing")
    with pytest.raises(RecordError, match=r"vouchers\.json: is "):
        run_table.runs(tmp_path)


def test_a_run_that_vouches_for_others_is_named_beside_them(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path, repeats=1)
    cells = [cell(threads=1), cell(threads=2), cell(workload="co2-lstm")]
    sweep.plan(cells)
    for each in cells:
        sweep.complete(each, "w")
    first = run_table.runs(tmp_path)
    assert first["vouched_by"].isna().all()
    row = first.iloc[0]
    made = {"lock_sha256": row["lock_sha256"], "old": row["code_sha256"], "new": "n"}
    for workload, equal in (("mnist-mlp", True), ("co2-lstm", False)):
        voucher = Voucher(**made, workload=workload, cell="x", repeat=2, equal=equal)
        vouchers.add(sweep.folder, [voucher])
    table = run_table.runs(tmp_path)["vouched_by"]
    assert table.astype(object).where(table.notna(), None).tolist() == ["x #2", "x #2", None]
