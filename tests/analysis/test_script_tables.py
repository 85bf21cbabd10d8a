"""What the tables say of users' scripts: digests, settings of their own, parameters as axes."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from results_factory import (
    SweepOnDisk,
    cell,
    fit,
    hardware,
    observed,
    outputs,
    script_cell,
    sha256,
)

from harness.analysis import merging, parameters, run_table
from harness.analysis.axis_table import by_axis
from harness.analysis.cell_comparison import baseline_of, pairs
from harness.analysis.cell_table import by_cell
from harness.analysis.class_separation import by_class_explained
from harness.analysis.class_table import by_class
from harness.analysis.columns import AXIS_NAMES, CELL_COLUMNS, RUN_COLUMNS, names
from harness.analysis.comparison_table import Sizes, comparison
from harness.analysis.setting_table import by_setting
from harness.matrix.cells import Cell
from harness.protocol.histories import history_digest
from harness.publish.tables import render
from harness.results.digests import history_sha256
from harness.results.record import Call, Measured
from harness.runner import hashing


@pytest.fixture
def on(tmp_path: Path) -> SweepOnDisk:
    return SweepOnDisk(root=tmp_path / "results")


def _run(weights: str = "w", history: str = "h", output: str = "o", file: str = "f") -> Measured:
    return observed(
        [fit(weights, history)], outputs=outputs(output), files={"out.npy": sha256(file)}
    )


def test_a_script_has_its_digests_and_what_it_set_itself(on: SweepOnDisk) -> None:
    one = script_cell(requirements=["pandas==2.2.2", "scikit-learn"])
    on.plan([one])
    files = {"b.npy": sha256("b"), "a.npy": sha256("a")}
    fits = [fit("v", "g"), fit("w", "h", number=2)]
    on.complete_script(one, observed(fits, outputs=outputs("o", "p"), files=files))
    row = run_table.runs(on.root).iloc[0]
    lines = f"{sha256('a')}  a.npy\n{sha256('b')}  b.npy\n"
    expected = {
        "workload": "churn",
        "history_sha256": hashing.combined_digest(one.history_sha256 for one in fits),
        "outputs_sha256": hashing.combined_digest([sha256("o"), sha256("p")]),
        "files_sha256": sha256(lines),
        "printed_sha256": sha256("printed"),
        "script": "train.py",
        "script_sha256": sha256("script"),
        "set_by_script": "threads=3 (train.py:4), determinism=on late (train.py:9)",
        "requirements": "pandas==2.2.2 scikit-learn",
        "determinism": "default",
        "seeding": "none",
    }
    assert {name: row[name] for name in expected} == expected
    missing = ("predictions_sha256", "metric", "value")
    assert all(pd.isna(row[name]) for name in missing)


def test_a_reference_training_has_the_digests_of_its_history_and_predictions(
    on: SweepOnDisk,
) -> None:
    on.plan([cell()])
    on.complete(cell(), "w", loss=0.25)
    row = run_table.runs(on.root).iloc[0]
    assert row["history_sha256"] == sha256('{"loss":["0x1.0000000000000p-2"]}')
    assert row["history_sha256"] == history_digest({"loss": ((0.25).hex(),)})
    assert row["outputs_sha256"] == row["predictions_sha256"] == sha256("predictions of w")
    assert row["requirements"] == ""
    empty = ("files_sha256", "printed_sha256", "script", "script_sha256", "set_by_script")
    assert all(row[name] is pd.NA for name in empty)


def test_what_a_script_does_not_leave_has_no_digest(on: SweepOnDisk) -> None:
    on.plan([script_cell()])
    on.complete_script(script_cell(), observed([fit("w", history={})], printed_sha256=None))
    row = run_table.runs(on.root).iloc[0]
    for name in ("history_sha256", "outputs_sha256", "files_sha256", "printed_sha256"):
        assert row[name] is pd.NA
    assert pd.isna(row["loss"])


def test_the_order_in_which_processes_end_does_not_count() -> None:
    first = [fit("v", "g", process="worker 1"), fit("w", "h", process="worker 2")]
    assert history_sha256(observed(first)) == history_sha256(observed(first[::-1]))


def test_a_call_in_a_loop_is_named_once_and_a_held_one_as_such(on: SweepOnDisk) -> None:
    call = Call(setting="seed", value=7, place="train.py:3", effect="held")
    on.plan([script_cell()])
    record = on.script_record(script_cell(), 1, _run())
    assert record.script is not None
    script = record.script.model_copy(update={"calls": (call, call)})
    on.write(record.model_copy(update={"script": script}))
    assert run_table.runs(on.root)["set_by_script"].iloc[0] == "seed=7 held (train.py:3)"


def test_a_terminal_shows_what_a_script_set_and_where_a_folder_is_kept(on: SweepOnDisk) -> None:
    on.plan([script_cell(), cell()])
    on.complete(cell(), "w", "w")
    plain = by_cell(run_table.runs(on.root))
    assert "script" not in render(plain, "markdown") and "folder" not in render(plain, "markdown")
    record = on.script_record(script_cell(), 1, _run())
    assert record.script is not None
    kept = record.script.model_copy(update={"keeps_folder": True})
    on.write(record.model_copy(update={"script": kept}))
    for table in (run_table.runs(on.root), by_cell(run_table.runs(on.root))):
        text = render(table, "markdown")
        assert "| set by script" in text and "| folder" in text
        assert "threads=3 (train.py:4), determinism=on late (train.py:9) | kept" in text


def _two_workers(on: SweepOnDisk) -> None:
    """Two numbers of workers, two rates; the workers change the weights, the rate does not."""
    cells = [
        script_cell(parameters={"workers": workers, "rate": rate})
        for workers in ("1", "4")
        for rate in ("0.1", "0.2")
    ]
    on.plan([*cells, cell()])
    for one in cells:
        weights = dict(one.values[names_of("parameters")])["workers"]  # type: ignore[arg-type]
        on.complete_script(one, _run(weights), _run(weights))
    on.complete(cell(), "w", "w")


def names_of(axis: str) -> int:
    """The place of an axis among a cell's values."""
    return list(cell().settings).index(axis)


def test_each_parameter_is_a_column_of_its_own(on: SweepOnDisk) -> None:
    _two_workers(on)
    runs = run_table.runs(on.root)
    assert "parameters" not in runs and "parameters" not in by_cell(runs)
    assert "parameters" not in AXIS_NAMES
    assert runs["workers"].tolist()[:4] == ["1"] * 4
    assert runs["rate"].tolist()[:4] == ["0.1", "0.1", "0.2", "0.2"]
    assert runs["workers"].tolist()[-1] is pd.NA
    assert set(runs.columns) == {*names(RUN_COLUMNS), "workers", "rate"}
    assert set(by_cell(runs).columns) == {*names(CELL_COLUMNS), "workers", "rate"}
    assert list(runs.columns).index("rate") == list(runs.columns).index(AXIS_NAMES[-1]) + 1


def test_parameters_of_cells_that_wait_are_known(on: SweepOnDisk) -> None:
    on.plan([script_cell(parameters={"workers": "4"})])
    runs = run_table.runs(on.root)
    assert runs["workers"].tolist() == ["4", "4"]
    assert runs["determinism"].tolist() == ["default", "default"]


def test_parameters_take_part_wherever_axes_do(on: SweepOnDisk) -> None:
    _two_workers(on)
    runs = run_table.runs(on.root)
    axes = by_axis(runs).set_index("axis")
    assert axes.loc["workers", ["pairs", "differ", "same"]].tolist() == [2, 2, 0]
    assert axes.loc["rate", ["pairs", "differ", "same"]].tolist() == [2, 0, 2]
    classes = by_class(runs)
    own = classes[classes["workload"] == "churn"]
    assert own["where"].tolist() == ["workers=1", "workers=4"]
    assert own["same_for"].tolist() == ["rate", "rate"]
    explained = by_class_explained(merging.merge([on.root]))
    assert explained["explained_by"].iloc[0] == "workers"


def test_what_leaves_a_script_alone_is_not_said(on: SweepOnDisk) -> None:
    on.plan([script_cell(parameters={"workers": "4"}, threads=1)])
    on.complete_script(script_cell(parameters={"workers": "4"}, threads=1), _run())
    every = by_class(run_table.runs(on.root))["every_cell"].iloc[0]
    assert every.endswith("engine=local, threads=1, workers=4")
    assert "seed" not in every and "determinism" not in every


@pytest.mark.slow
def test_cells_are_compared_with_their_parameters(on: SweepOnDisk) -> None:
    _two_workers(on)
    merged = merging.merge([on.root])
    baseline = baseline_of(merged, script_cell(parameters={"workers": "1", "rate": "0.1"}).id)
    table = comparison(pairs(merged, baseline), Sizes(merged))
    told = dict(zip(table["workers"] + table["rate"], table["unlike"], strict=True))
    assert told == {
        "10.2": "rate 0.1 → 0.2",
        "40.1": "workers 1 → 4",
        "40.2": "rate 0.1 → 0.2, workers 1 → 4",
    }


@pytest.mark.slow
def test_sweeps_with_other_parameters_stand_in_one_table(tmp_path: Path) -> None:
    for number, name in enumerate(("workers", "rate")):
        on = SweepOnDisk(root=tmp_path, hardware=hardware(cpu_model=f"model {number}"))
        on.plan([script_cell(parameters={name: "4"})])
        on.complete_script(script_cell(parameters={name: "4"}), _run())
    runs = run_table.runs(tmp_path)
    assert runs["workers"].notna().sum() == runs["rate"].notna().sum() == 2
    assert merging.merge([tmp_path]).runs["rate"].dtype == runs["rate"].dtype


def test_a_parameter_whose_name_is_taken_gets_a_prefix(on: SweepOnDisk) -> None:
    asked = {"model": "resnet", "loss": "mse", "found_x": "1", "parameter_model": "2"}
    on.plan([script_cell(parameters=asked)])
    on.complete_script(script_cell(parameters=asked), _run())
    row = run_table.runs(on.root).iloc[0]
    assert row["parameter_model"] == "resnet"
    assert row["parameter_loss"] == "mse"
    assert row["parameter_found_x"] == "1"
    assert row["parameter_parameter_model"] == "2"
    assert parameters.names_in(run_table.runs(on.root)) == sorted(
        parameters.column_name(name) for name in asked
    )


def test_the_index_gives_the_same_table(on: SweepOnDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.analysis.run_index.LEAST", 1)
    monkeypatch.setattr("harness.stamps.TICK_NS", 0)
    _two_workers(on)
    first = run_table.runs(on.root)
    assert (on.folder / ".index.parquet").exists()
    pd.testing.assert_frame_equal(run_table.runs(on.root), first)


def test_settings_name_each_parameter(on: SweepOnDisk) -> None:
    one = script_cell(parameters={"workers": "4"})
    on.plan([one])
    record = on.script_record(one, 1, _run())
    read = record.found["threads"].model_copy(update={"value": {"workers": "4"}})
    on.write(record.model_copy(update={"found": {**record.found, "parameters": read}}))
    table = by_setting(on.root).set_index("setting")
    assert "parameters" not in table.index
    assert table.loc["workers", ["asked", "found", "state"]].tolist() == ["4", "4", "as asked"]


def test_parameters_are_kept_as_they_were_written(on: SweepOnDisk) -> None:
    one = script_cell(parameters={"name": 'a "b" = c'})
    on.plan([one])
    on.complete_script(one, _run())
    content = json.loads((on.folder / one.id / "1.json").read_bytes())
    assert content["settings"]["parameters"] == {"name": 'a "b" = c'}
    assert run_table.runs(on.root)["name"].iloc[0] == 'a "b" = c'


@pytest.mark.slow
def test_starts_that_nobody_saw_are_not_called_equal(on: SweepOnDisk) -> None:
    cells = [script_cell(), script_cell(threads=1)]
    on.plan(cells)
    for one, weights in zip(cells, ("v", "w"), strict=True):
        on.complete_script(one, _run(weights), _run(weights))
    runs = run_table.runs(on.root)
    assert runs["init_sha256"].isna().all()
    assert by_class(runs)["init"].tolist() == ["", ""]
    merged = merging.merge([on.root])
    table = comparison(pairs(merged, baseline_of(merged, cells[0].id)), Sizes(merged))
    columns = ["verdict", "origin", "origin_at"]
    found = ["different", "undecided", "unknown start, no trace"]
    assert table[columns].to_numpy().tolist() == [found]


@pytest.mark.parametrize("value", ["words", 7])
def test_what_is_no_set_of_parameters_is_none(on: SweepOnDisk, value: str | int) -> None:
    hostile = script_cell(parameters=None)
    settings = {**hostile.settings, "parameters": value}
    odd = Cell(environment=hostile.environment, values=tuple(settings.values()))
    on.plan([odd])
    on.write(on.script_record(odd, 1, _run()))
    runs = run_table.runs(on.root)
    assert set(runs.columns) == set(names(RUN_COLUMNS))
    assert "parameters" not in by_setting(on.root)["setting"].tolist()
