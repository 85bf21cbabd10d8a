"""Histories, outputs, files and what is printed: a verdict, classes and a note for each."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from commands import harness as program
from results_factory import SweepOnDisk, cell, fit, observed, outputs, script_cell, sha256

from harness.analysis import run_table, unequal_results
from harness.analysis.cell_table import by_cell
from harness.analysis.class_table import by_class
from harness.analysis.model_table import by_model
from harness.publish.tables import render
from harness.results.record import Measured


@pytest.fixture
def on(tmp_path: Path) -> SweepOnDisk:
    return SweepOnDisk(root=tmp_path / "results")


def _run(weights: str = "w", history: str = "h", **left: str) -> Measured:
    """A run; words stand for what it left: `output`, `file` and `printed`, if at all."""
    files = {"out.npy": sha256(left["file"])} if "file" in left else {}
    return observed(
        [fit(weights, history)],
        outputs=outputs(left["output"]) if "output" in left else (),
        files=files,
        printed_sha256=sha256(left["printed"]) if "printed" in left else None,
    )


def _verdicts(on: SweepOnDisk, *runs: Measured) -> dict[str, object]:
    on.plan([script_cell()])
    on.complete_script(script_cell(), *runs)
    row = by_cell(run_table.runs(on.root)).iloc[0]
    names = ("verdict", *(f"verdict_{name}" for name in ("history", "outputs", "files", "printed")))
    return {name: None if row[name] is pd.NA else row[name] for name in names}


def test_each_has_a_verdict_of_its_own(on: SweepOnDisk) -> None:
    runs = (
        _run(history="g", output="o", file="f", printed="p"),
        _run(history="h", output="o", file="f", printed="q"),
    )
    assert list(_verdicts(on, *runs).values()) == [
        "stable",
        "unstable",
        "stable",
        "stable",
        "unstable",
    ]


def test_what_no_run_left_has_no_verdict(on: SweepOnDisk) -> None:
    assert list(_verdicts(on, _run(), _run()).values()) == ["stable", "stable", None, None, None]


def test_a_single_run_is_no_test(on: SweepOnDisk) -> None:
    verdicts = list(_verdicts(on, _run(output="o")).values())
    assert verdicts == ["untested", "untested", "untested", None, None]


def test_a_file_that_only_some_runs_leave_is_a_difference(on: SweepOnDisk) -> None:
    assert _verdicts(on, _run(file="f"), _run())["verdict_files"] == "unstable"


def _unseen(printed: str, **files: str) -> Measured:
    """A run of a script that was not observed."""
    left = {name: sha256(word) for name, word in files.items()}
    blank = {"weights_sha256": "", "init_sha256": "", "printed_sha256": sha256(printed)}
    return observed([], files=left, **blank)


def test_without_observing_weights_are_untested_and_files_are_judged(on: SweepOnDisk) -> None:
    runs = (_unseen("p", out="f"), _unseen("q", out="f"))
    assert list(_verdicts(on, *runs).values()) == ["untested", None, None, "stable", "unstable"]
    cells = by_cell(run_table.runs(on.root))
    assert cells[["weights_sha256", "class"]].isna().all(axis=None)
    assert (cells["distinct"].tolist(), cells["runs"].tolist()) == ([0], [2])
    assert by_class(run_table.runs(on.root)).empty
    assert by_class(run_table.runs(on.root), "files")["class"].tolist() == ["A"]


def test_one_run_that_was_not_observed_leaves_the_weights_untested(tmp_path: Path) -> None:
    on = SweepOnDisk(root=tmp_path, repeats=3)
    equal = [_run(output="o", printed="p"), _run(output="o", printed="p"), _unseen("p")]
    found = list(_verdicts(on, *equal).values())
    assert found == ["untested", None, None, None, "stable"]


def test_runs_that_differ_are_unstable_whatever_was_not_observed(tmp_path: Path) -> None:
    on = SweepOnDisk(root=tmp_path, repeats=3)
    apart = [_run("v", "g", printed="p"), _run("w", "h", printed="p"), _unseen("p")]
    assert list(_verdicts(on, *apart).values()) == ["unstable", "unstable", None, None, "stable"]


def test_a_reference_training_has_verdicts_on_history_and_outputs(on: SweepOnDisk) -> None:
    on.plan([cell()])
    on.complete(cell(), "v", "w")
    row = by_cell(run_table.runs(on.root)).iloc[0]
    found = [row[f"verdict_{name}"] for name in ("history", "outputs", "files", "printed")]
    assert found == ["stable", "unstable", pd.NA, pd.NA]


def _other_outputs(on: SweepOnDisk) -> None:
    """Of three cells one predicts otherwise each time, from equal weights."""
    cells = [script_cell(parameters={"workers": workers}) for workers in ("1", "2", "4")]
    on.plan(cells)
    on.complete_script(cells[0], _run(output="o"), _run(output="o"))
    on.complete_script(cells[1], _run(output="o"), _run(output="o"))
    on.complete_script(cells[2], _run(output="p"), _run(output="q"))


def test_a_terminal_shows_what_the_weights_do_not_say(on: SweepOnDisk) -> None:
    _other_outputs(on)
    cells = by_cell(run_table.runs(on.root))
    head = render(cells, "rich", width=200, colour=False)
    assert " outputs " in head and " history " not in head and " files " not in head
    assert " outputs " not in render(cells.iloc[:2], "rich", width=200, colour=False)
    assert ",verdict_history," in render(cells, "csv")


def test_classes_are_of_what_is_asked_for(on: SweepOnDisk) -> None:
    _other_outputs(on)
    runs = run_table.runs(on.root)
    assert by_class(runs)["class"].tolist() == ["A"]
    table = by_class(runs, "outputs")
    assert table["class"].tolist() == ["A", "unstable"]
    assert table["where"].tolist() == ["workers≤2", "workers=4"]
    assert table["cells"].tolist() == [2, 1]
    assert table["distinct"].tolist() == [1, 2]
    assert "weights_sha256" not in table
    text = render(table, "rich", width=200, colour=False)
    assert "outputs" in text and "2 different" in text
    assert by_class(runs, "files").empty


@pytest.mark.slow
def test_equal_weights_with_other_results_are_pointed_out(on: SweepOnDisk) -> None:
    _other_outputs(on)
    cells = by_cell(run_table.runs(on.root))
    assert unequal_results.differing(cells).tolist() == ["", "", "outputs"]
    (sentence,) = unequal_results.sentences(cells)
    assert sentence == f"weights equal, outputs differ: {cells['cell'].iloc[2]}"
    ended = program("table", on.root, "--by", "cell")
    assert (ended.code, sentence in ended.err) == (0, True)


def test_several_differences_are_said_together(on: SweepOnDisk) -> None:
    one, other = script_cell(), script_cell(threads=1)
    on.plan([one, other])
    for each in (one, other):
        on.complete_script(each, _run(history="g", file="e"), _run(history="h", file="f"))
    sentences = unequal_results.sentences(by_cell(run_table.runs(on.root)))
    assert sentences == [f"weights equal, history and files differ: 2 cells, such as {one.id}"]


def test_other_weights_and_other_prints_are_not_pointed_out(on: SweepOnDisk) -> None:
    one, other = script_cell(), script_cell(threads=1)
    on.plan([one, other])
    on.complete_script(one, _run("v", "g"), _run("w", "h"))
    on.complete_script(other, _run(printed="p"), _run(printed="q"))
    assert unequal_results.sentences(by_cell(run_table.runs(on.root))) == []


def test_every_model_and_fit_is_a_row(on: SweepOnDisk) -> None:
    one = script_cell(parameters={"model": "resnet"})
    on.plan([one, cell()])
    fits = [
        fit("v", "g", name="encoder"),
        fit("u", "k", model=2, name="", init_sha256="", steps=3),
        fit("w", "h", number=2, name="encoder"),
    ]
    on.complete_script(one, observed(fits))
    on.complete(cell(), "w")
    table = by_model(on.root)
    assert list(zip(table["workload"], table["model"], table["fit"], strict=True)) == [
        ("churn", 1, 1),
        ("churn", 1, 2),
        ("churn", 2, 1),
        ("mnist-mlp", 1, 1),
    ]
    assert table["weights_sha256"].tolist()[:3] == [sha256("v"), sha256("w"), sha256("u")]
    assert table["history_sha256"].tolist()[2] == fits[1].history_sha256
    assert table["model_name"].tolist() == ["encoder", "encoder", pd.NA, pd.NA]
    assert table["steps"].tolist() == [12, 12, 3, pd.NA]
    assert table["init_sha256"].tolist()[2] is pd.NA
    assert table["parameter_model"].tolist() == ["resnet"] * 3 + [pd.NA]
    runs = run_table.runs(on.root).set_index("workload")
    for name in ("init_sha256", "weights_sha256", "history_sha256"):
        assert table[name].iloc[3] == runs[name].dropna()["mnist-mlp"]
    text = render(table, "rich", width=200, colour=False)
    assert "encoder" in text and "steps" in text


def test_results_that_differ_between_cells_of_equal_weights_are_pointed_out(
    on: SweepOnDisk,
) -> None:
    cells = [script_cell(parameters={"workers": workers}) for workers in ("1", "2", "4")]
    on.plan(cells)
    on.complete_script(cells[0], _run(output="o"), _run(output="o"))
    on.complete_script(cells[1], _run(history="g", output="p"), _run(history="g", output="p"))
    on.complete_script(cells[2], _run("v", output="p"), _run("v", output="p"))
    ended = program("compare", on.root, cells[0].id)
    assert ended.code == 0, ended.err
    said = "weights equal to the baseline's, history and outputs differ: "
    assert f"{said}{cells[1].id} on " in ended.err
    assert cells[2].id not in ended.err.partition(said)[2]


@pytest.mark.slow
def test_models_and_classes_of_others_from_the_command_line(on: SweepOnDisk) -> None:
    _other_outputs(on)
    for arguments in (["--by", "model"], ["--by", "class", "--of", "outputs"], ["--of", "files"]):
        for format in ("rich", "csv", "json", "markdown", "latex"):
            ended = program("table", on.root, *arguments, "--format", format)
            assert ended.code == 0, ended.err
    ended = program("table", on.root, "--by", "cell", "--of", "outputs")
    assert (ended.code, "--by class" in ended.err) == (2, True)
