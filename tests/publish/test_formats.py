"""Tables as text: exact for programs, safe and readable for people."""

from __future__ import annotations

import dataclasses
import io
import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from results_factory import SweepOnDisk, cell, hardware, weights_sha256

from harness.analysis import run_table
from harness.analysis.axis_table import by_axis
from harness.analysis.cell_table import by_cell
from harness.analysis.class_table import by_class
from harness.analysis.columns import CELL_COLUMNS, RUN_COLUMNS
from harness.errors import UsageError
from harness.publish.escaping import visible
from harness.publish.formats import FORMATS
from harness.publish.tables import render, summary
from harness.results.record import AuditPart, AuditState

pytestmark = pytest.mark.slow

HOSTILE = (
    "100% & $HOME #1_a {x} ~ ^ \\input{/etc/passwd} | <b>hi</b> [link](javascript:x) `code` *s* "
    '"quoted", ^^M; \x1b[31mred\x07 \u202eabc\nsecond line\r\tend'
)


@pytest.fixture
def runs(tmp_path: Path) -> pd.DataFrame:
    sweep = SweepOnDisk(root=tmp_path)
    stable = [
        cell(threads=threads, workload=w) for w in ("mnist-mlp", "co2-lstm") for threads in (1, 2)
    ]
    unstable, broken = cell(workload="mnist-augmented"), cell(workload="co2-conv")
    gone = cell(python="3.13", status="unavailable", reason="no wheels of TensorFlow 2.10.0")
    sweep.plan([*stable, unstable, broken, gone])
    for each in stable:
        sweep.complete(each, *[str(each.settings["threads"])] * 2, loss=0.1 + 0.2)
    sweep.complete(unstable, "a", "b")
    sweep.end(broken, 1, "failed", HOSTILE)
    return run_table.runs(tmp_path)


@pytest.fixture(params=["runs", "cells", "classes", "axes", "plain"])
def frame(request: pytest.FixtureRequest, runs: pd.DataFrame) -> pd.DataFrame:
    made: dict[str, Callable[[], pd.DataFrame]] = {
        "runs": lambda: runs,
        "cells": lambda: by_cell(runs),
        "classes": lambda: by_class(runs),
        "axes": lambda: by_axis(runs),
        "plain": lambda: pd.DataFrame({"cell": ["a", HOSTILE], "why": ["no record yet", "done"]}),
    }
    return made[str(request.param)]()


@pytest.mark.parametrize("format", FORMATS)
def test_every_table_has_every_format_the_same_each_time(frame: pd.DataFrame, format: str) -> None:
    text = render(frame, format)
    assert text == render(frame.copy(), format)
    assert text.endswith("\n") and not text.endswith("\n\n")


@pytest.mark.parametrize("format", FORMATS)
def test_a_table_without_rows_has_every_format(runs: pd.DataFrame, format: str) -> None:
    for frame in (
        runs.head(0),
        by_cell(runs.head(0)),
        by_class(runs.head(0)),
        by_axis(runs.head(0)),
    ):
        assert render(frame, format)


def test_an_unknown_format_or_column_is_refused(runs: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match="choose one of rich, csv"):
        render(runs, "html")
    with pytest.raises(UsageError, match="no column los in this table"):
        render(runs, "csv", ["cell", "los"])


def test_csv_reads_back_equal(runs: pd.DataFrame) -> None:
    text = io.StringIO(render(runs, "csv"), newline="")
    back = pd.read_csv(text, dtype="string", keep_default_na=False)
    for column in RUN_COLUMNS:
        # What is missing is an empty field, as empty text is; nothing else is lost.
        expected = runs[column.name].tolist()
        read = [_READ[column.dtype](field) if field else None for field in back[column.name]]
        assert read == [None if pd.isna(value) or value == "" else value for value in expected]


_READ: dict[str, Callable[[str], object]] = {
    "string": str,
    "Int64": int,
    "float64": float,
    "bool": {"True": True, "False": False}.get,
}


def test_json_reads_back_equal_and_has_null_for_what_is_missing(frame: pd.DataFrame) -> None:
    rows = json.loads(render(frame, "json"), parse_constant=_no_constant)
    assert [list(row) for row in rows] == [list(frame.columns)] * len(frame)
    for row, (_, expected) in zip(rows, frame.iterrows(), strict=True):
        for name, value in row.items():
            missing = not isinstance(expected[name], list) and pd.isna(expected[name])
            assert value is None if missing else value == expected[name]


def _no_constant(name: str) -> float:
    raise AssertionError(f"{name} is not JSON")


def test_floats_are_exact_in_csv_and_json(runs: pd.DataFrame) -> None:
    done = runs[runs["status"] == "completed"].head(1)
    assert render(done, "csv", ["loss"]) == f"loss\n{0.1 + 0.2!r}\n"
    assert json.loads(render(done, "json", ["loss"])) == [{"loss": 0.1 + 0.2}]


def test_a_loss_that_overflowed_stays_valid_json(runs: pd.DataFrame) -> None:
    bad = runs.head(2).assign(loss=[math.inf, math.nan])
    assert json.loads(render(bad, "json", ["loss"]), parse_constant=_no_constant) == [
        {"loss": "inf"},
        {"loss": None},
    ]


def test_the_cells_of_a_class_are_a_list_in_json_and_in_csv(runs: pd.DataFrame) -> None:
    classes = by_class(runs)
    expected = classes["cell_ids"].tolist()
    assert [row["cell_ids"] for row in json.loads(render(classes, "json"))] == expected
    back = pd.read_csv(io.StringIO(render(classes, "csv")))
    assert [json.loads(text) for text in back["cell_ids"]] == expected


@pytest.mark.parametrize("columns", [None, ["cell", "reason", "weights_sha256"]])
def test_markdown_is_one_table_whatever_the_names(
    runs: pd.DataFrame, columns: list[str] | None
) -> None:
    text = render(runs, "markdown", columns)
    table = text[text.index("|") :].splitlines()
    bars = {len(re.findall(r"(?<!\\)\|", line)) for line in table}
    assert len(bars) == 1
    assert len(table) == len(runs) + 2
    assert "<b>" not in text
    assert not re.search(r"(?<!\\)\]\(", text)


def test_latex_prints_hostile_names_and_runs_none_of_them(runs: pd.DataFrame) -> None:
    text = render(runs, "latex", ["cell", "status", "reason"])
    lines = text.splitlines()
    assert lines[:2] == [r"\begin{tabular}{llp{0.32\linewidth}}", r"\toprule"]
    assert lines[-2:] == [r"\bottomrule", r"\end{tabular}"]
    assert r"\textbackslash{}input\{/etc/passwd\}" in text
    body = [line for line in lines if line.endswith(r"\\")]
    assert len(body) == len(runs) + 1
    for line in body:
        assert len(re.findall(r"(?<!\\)&", line)) == 2
        assert not re.search(r"(?<!\\)[%#$_~^]", re.sub(r"\$\\[a-z]+\$", "", line))
        bare = re.sub(r"\\[{}]", "", line)
        assert bare.count("{") == bare.count("}")
        assert set(re.findall(r"\\([a-zA-Z]+)", line)) <= {
            *("textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater"),
            *("textbar", "textasciigrave", "symbol", "raggedright", "par"),
        }


def test_latex_and_markdown_say_once_what_all_cells_share(runs: pd.DataFrame) -> None:
    told = "tensorflow=2.10.0"
    latex, markdown = render(by_class(runs), "latex"), render(by_class(runs), "markdown")
    assert latex.startswith("% Every cell: ") and latex.count(told) == 1
    assert markdown.startswith("Every cell: ") and markdown.count(told) == 1


@pytest.mark.parametrize("width", [30, 60, 80, 100, 160])
def test_a_terminal_table_fits_and_says_what_it_left_out(frame: pd.DataFrame, width: int) -> None:
    text = render(frame, "rich", width=width, colour=False)
    # An id is never broken: where it stands in a column, a line may be longer for it.
    longest = max((len(name) for name in visible_ids(frame) if name in text), default=0)
    assert max(len(line) for line in text.splitlines()) <= max(width, longest + 30)


def visible_ids(frame: pd.DataFrame) -> list[str]:
    return [visible(str(name)) for name in frame.get("cell", [])]


def test_a_narrow_terminal_loses_columns_and_never_letters(runs: pd.DataFrame) -> None:
    text = render(by_class(runs), "rich", width=50, colour=False)
    assert "left out for width:" in text
    for word in ("threads=1", "threads=2", "unstable", "every cell"):
        assert word in text


def test_a_terminal_shows_no_control_character_of_a_record(frame: pd.DataFrame) -> None:
    text = render(frame, "rich", width=100, colour=False)
    assert all(sign.isprintable() for sign in text.replace("\n", ""))


def test_colour_adds_nothing_but_colour(frame: pd.DataFrame) -> None:
    plain = render(frame, "rich", width=100, colour=False)
    coloured = render(frame, "rich", width=100, colour=True)
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in stripped.splitlines()] == plain.splitlines()


def test_markup_in_names_is_shown_as_it_is() -> None:
    text = render(pd.DataFrame({"cell": ["[bold]x[/bold] :smile:"]}), "rich", colour=False)
    assert "[bold]x[/bold] :smile:" in text


def test_a_reason_is_told_once_however_many_cells_have_it(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path)
    cells = [
        cell(threads=threads, python="3.13", status="unavailable", reason="no such wheel")
        for threads in (1, 2, 4)
    ]
    sweep.plan([cell(), *cells])
    text = render(by_cell(run_table.runs(tmp_path)), "rich", width=100, colour=False)
    assert text.count("no such wheel") == 1
    assert "unavailable · 3 cells" in text
    assert "pending · 1 cell\n" in text


def test_rows_beyond_what_a_person_reads_are_counted(runs: pd.DataFrame) -> None:
    many = pd.concat([runs] * 60, ignore_index=True)
    text = render(many, "rich", width=100, colour=False)
    assert f"… and {len(many) - 500} more rows" in text


def test_of_very_many_classes_the_largest_are_shown_and_all_are_counted(
    runs: pd.DataFrame,
) -> None:
    classes = by_class(runs)
    many = pd.concat([classes[classes["class"] == "A"].head(1)] * 150, ignore_index=True)
    text = render(many, "rich", width=100, colour=False)
    assert "150 classes" in text
    assert "… and 50 more classes" in text
    assert render(many, "csv").count("\n") == 151


def test_the_axis_table_stands_workloads_side_by_side(runs: pd.DataFrame) -> None:
    text = render(by_axis(runs), "rich", width=100, colour=False)
    assert re.search(r"^axis +values +mnist-mlp +co2-lstm$", text, re.MULTILINE)
    assert re.search(r"^threads +1, 2 +1 of 1 +1 of 1$", text, re.MULTILINE)


def test_hashes_are_short_for_people_and_whole_for_programs(runs: pd.DataFrame) -> None:
    whole = weights_sha256("1")
    for format in ("csv", "json"):
        assert whole in render(by_class(runs), format)
    for format in ("rich", "markdown", "latex"):
        text = render(by_class(runs), format)
        assert whole[:10] in text and whole not in text


def test_data_formats_have_every_documented_column(runs: pd.DataFrame) -> None:
    for frame, columns in ((runs, RUN_COLUMNS), (by_cell(runs), CELL_COLUMNS)):
        header = render(frame, "csv").splitlines()[0]
        assert header.split(",") == [column.name for column in columns]


def test_the_summary_adds_up_to_the_plan(runs: pd.DataFrame) -> None:
    text = summary(runs)
    assert text == (
        "7 cells × 2 repeats = 14 runs: 10 completed, 1 failed, 2 unavailable, 1 pending"
    )
    product, counts = text.split(": ")
    assert int(product.split(" = ")[1].split()[0]) == sum(map(int, re.findall(r"\d+", counts)))


def test_the_summary_counts_unplanned_runs_apart(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path, repeats=1)
    sweep.plan([cell()])
    sweep.complete(cell(threads=8), "w")
    assert summary(run_table.runs(tmp_path)) == (
        "1 cell × 1 repeat = 1 run: 1 pending; 1 run no longer planned: 1 completed"
    )


def test_the_summary_of_matrices_with_other_repeats_has_no_product(tmp_path: Path) -> None:
    SweepOnDisk(root=tmp_path, matrix="a", repeats=1).plan([cell()])
    SweepOnDisk(root=tmp_path, matrix="b", repeats=2).plan([cell()])
    assert summary(run_table.runs(tmp_path)) == "2 cells, 3 runs: 3 pending"


def test_the_summary_of_nothing_says_so(tmp_path: Path) -> None:
    SweepOnDisk(root=tmp_path).plan([])
    assert summary(run_table.runs(tmp_path)) == "nothing planned"


def test_the_summary_tells_of_runs_that_another_runner_made(tmp_path: Path) -> None:
    # On m1 three runs of the newer runner and one of the older; on m2 the older made them all,
    # so nothing is mixed there. A run that is no longer planned does not count.
    new = SweepOnDisk(root=tmp_path, runner="new")
    new.plan([cell(threads=1), cell(threads=2)])
    dataclasses.replace(new, runner="old").complete(cell(threads=1), "w")
    dataclasses.replace(new, runner="old").complete(cell(threads=8), "w")
    new.complete(cell(threads=2), "w", "w")
    other = SweepOnDisk(root=tmp_path, hardware=hardware(cpu_model="m2"), runner="old", repeats=2)
    other.plan([cell(threads=1), cell(threads=2)])
    other.complete(cell(threads=1), "w", "w")
    assert summary(run_table.runs(tmp_path)) == (
        "4 cells × 2 repeats = 8 runs: 5 completed, 3 pending; "
        "1 run no longer planned: 1 completed; "
        "1 run used other code than the rest"
    )


def test_the_summary_adds_up_the_other_runners_of_all_sweeps(tmp_path: Path) -> None:
    for matrix in ("a", "b"):
        new = SweepOnDisk(root=tmp_path, matrix=matrix, runner="new", repeats=3)
        new.plan([cell(threads=1), cell(threads=2)])
        new.complete(cell(threads=1), "w", "w", "w")
        dataclasses.replace(new, runner="old").complete(cell(threads=2), "w")
        new.end(cell(threads=2), 2, "failed", "ValueError")
    text = summary(run_table.runs(tmp_path))
    assert text.endswith("; 2 runs used other code than the rest")


def test_the_summary_counts_the_environments_where_forking_is_off(tmp_path: Path) -> None:
    # Two runs each in two environments whose audits failed, and a third whose audit passed.
    states: dict[str, AuditState] = {"2.9.3": "failed", "2.10.0": "failed", "2.11.1": "passed"}
    cells = {version: cell(tensorflow=version) for version in states}
    sweep = SweepOnDisk(root=tmp_path)
    sweep.plan(list(cells.values()))
    for version, state in states.items():
        audit = AuditPart(state=state, sentence="forked and cold runs differ, or do not")
        audited = dataclasses.replace(sweep, process={"isolation": "fresh"}, audit=audit)
        audited.complete(cells[version], "w", "w")
    assert summary(run_table.runs(tmp_path)) == (
        "3 cells × 2 repeats = 6 runs: 6 completed; forking is off for 2 environments"
    )
