"""`harness compare` as people call it: what it prints, and how it ends."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from commands import called, harness
from results_factory import cell
from rich.cells import cell_len
from two_machines import HERE, THERE, sweep, train

from harness.cli.compare_commands import compare
from harness.errors import HarnessError, NotReproducibleError, SelectionError, UsageError
from harness.publish.formats import FORMATS
from harness.publish.views import LISTING, View

pytestmark = pytest.mark.slow

SAME, OTHER = cell(threads=1, seed=1), cell(threads=2, isa="avx2", seed=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two machines in one folder, which agree on one of two cells."""
    root = tmp_path_factory.mktemp("results")
    for machine, weights in ((HERE, [1]), (THERE, [2])):
        one = sweep(root, machine)
        one.plan([SAME, OTHER, cell(seed=9)])
        train(one, SAME, [1], [1])
        train(one, OTHER, weights, weights, value=float(weights[0]))
    return root


@pytest.mark.parametrize("by", [view for view in View if view not in LISTING])
def test_every_table_has_every_format_the_same_each_time(
    folder: Path, capsys: pytest.CaptureFixture[str], by: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    texts: dict[str, str] = {}
    for format in (*FORMATS, "rich"):
        compare([folder], by=by, format=format)
        text = capsys.readouterr().out
        assert texts.setdefault(format, text) == text and text.endswith("\n")
    assert len(json.loads(texts["json"])) == len(pd.read_csv(io.StringIO(texts["csv"])))
    assert max(cell_len(line) for line in texts["rich"].splitlines()) <= 100


def test_the_terminal_shows_counts_first_and_then_what_differs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compare([folder])
    told = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert "3 cells = 1 different + 1 identical + 1 nowhere" in told
    assert "undecided (same start, no trace)" in told and "emulated" in told
    assert "identical: isa=native" in told or "identical: threads=1" in told
    assert f"nowhere: {cell(seed=9).id}: pending on" in told


def test_a_check_fails_names_the_cells_and_says_how_to_go_on(folder: Path) -> None:
    ended = harness("compare", folder, "--check")
    assert ended.code == 9
    assert f"{OTHER.id} on {HERE}: different" in ended.err.replace(THERE, HERE)
    following = ended.err.split("harness ")[-1].split(" shows")[0].replace("'", "").split()
    assert harness(*following).code == 0


def test_a_check_of_cells_that_agree_ends_well(folder: Path) -> None:
    compare([folder], only=["*threads=1*"], check=True)


def test_a_check_that_compared_nothing_does_not_pass(folder: Path) -> None:
    with pytest.raises(SelectionError, match="nothing was checked"):
        compare([folder], only=["*seed=9*"], check=True)


def test_a_check_against_a_cell_keeps_the_baseline_whatever_is_selected(folder: Path) -> None:
    with pytest.raises(NotReproducibleError, match="--baseline"):
        compare(
            [folder], baseline=f"*{HERE}/{SAME.id}", only=["*isa=avx2*"], check=True, by=View.tensor
        )


@pytest.mark.parametrize(
    ("arguments", "problem", "message"),
    [
        ({"only": ["*gpu*"]}, SelectionError, "no cell matches"),
        ({"baseline": "nothing"}, SelectionError, "no machine and no cell"),
        ({"by": View.axis, "check": True}, UsageError, "leave --baseline and --check out"),
        ({"by": View.class_, "baseline": HERE}, UsageError, "leave --baseline and --check out"),
        ({"format": "pdf"}, UsageError, "not known"),
    ],
)
def test_wrong_use_is_explained(
    folder: Path, arguments: dict[str, object], problem: type[HarnessError], message: str
) -> None:
    with pytest.raises(problem, match=message):
        compare([folder], **arguments)  # type: ignore[arg-type]


def test_two_cells_are_compared_with_each_other(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = called(capsys, "compare", folder, SAME.id, "*isa=avx2*")
    assert ended.code == 0, ended
    assert f"{OTHER.id} " in ended.out and f"against {SAME.id}" in ended.out
    assert "threads 1 → 2" in ended.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([SAME.id, "nothing", "more"], 2, "two at most"),
        (["nothing"], 3, "is no folder, no machine and no cell here"),
        ([SAME.id, OTHER.id, "--only", "*"], 2, "leave --only out"),
        ([SAME.id, "--baseline", HERE], 2, "excludes --baseline"),
        ([HERE, SAME.id], 2, "is a machine"),
    ],
)
def test_cells_that_cannot_be_compared_are_named(
    folder: Path,
    arguments: list[str],
    code: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = called(capsys, "compare", folder, *arguments)
    assert (ended.code, message in ended.err) == (code, True), ended


def test_the_machines_with_most_in_common_are_compared(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = sweep(tmp_path, HERE, hardware={**sweep(tmp_path).hardware, "cpu_model": "Alone"})
    stranger = cell(workload="co2-conv")
    other.plan([stranger])
    train(other, stranger, [1], [1])
    compare([tmp_path, folder])
    said = capsys.readouterr().out
    assert f"{THERE} against {HERE}: " in said or f"{HERE} against {THERE}: " in said
    assert "no cell has weights on both" in said
    assert "  agree in some cells or none: mnist-mlp (1 of 2)" in said
    assert stranger.id not in said, "what was not asked for elsewhere is counted, not listed"


def test_missing_empty_and_wrong_folders_are_named(tmp_path: Path, folder: Path) -> None:
    empty = folder / "quickstart" / "blobs"
    for wrong in (empty, folder / "quickstart" / HERE / "plan.jsonl"):
        with pytest.raises(UsageError, match=re.escape(str(wrong))):
            compare([folder, wrong])


def test_records_without_a_plan_are_said_to_be_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = sweep(tmp_path, HERE)
    one.plan([SAME])
    train(one, SAME, [1], [1])
    next(tmp_path.rglob("plan.jsonl")).unlink()
    for arguments in ([], ["mnist-mlp"], [SAME.id, OTHER.id]):
        ended = called(capsys, "compare", tmp_path, *arguments)
        assert (ended.code, "there is no plan.jsonl" in ended.err) == (2, True), ended


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Two folders of one machine: an unstable cell in the first, a stable one in the second."""
    for name, runs in (("one", ([1], [2])), ("two", ([2], [2]))):
        on = sweep(tmp_path / name)
        on.plan([SAME, cell(workload="mnist-cnn")])
        train(on, SAME, *runs)
        train(on, cell(workload="mnist-cnn"), [5])
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "verdict"),
    [
        (("one", "mnist-mlp*#1", "mnist-mlp*#2"), "different"),
        (("one:mnist-mlp*#2", "two:mnist-mlp*"), "identical"),
        (("one:mnist-mlp*#1", "two:mnist-mlp*#2"), "different"),
        (("one:mnist-mlp*", "two:mnist-mlp*"), "unstable here"),
    ],
)
def test_two_sides_are_named_as_diff_and_why_name_them(
    two: Path, arguments: tuple[str, ...], verdict: str
) -> None:
    ended = harness("compare", *arguments, "--format", "json", cwd=two)
    assert ended.code == 0, ended.err
    (row,) = json.loads(ended.out)
    assert row["verdict"] == verdict
    shown = " ".join(harness("compare", *arguments, cwd=two).out.split())
    assert f"1 {verdict}" in shown or f"1 cell, {verdict}" in shown, shown
    checked = harness("compare", *arguments, "--check", "--by", "tensor", cwd=two)
    assert checked.code == (0 if verdict == "identical" else 9), checked


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("one:mnist-mlp*#1", "one:mnist-mlp*#1"), "would be compared with itself"),
        (("one:mnist-mlp*", "two:mnist-cnn*"), "A trains mnist-mlp and B mnist-cnn"),
        (("one:mnist-mlp*", "two:mnist-mlp*", "--by", "machine"), "--by cell or --by tensor"),
        (("one:mnist-mlp*", "two:mnist-mlp*", "--only", "*"), "leave --baseline and --only out"),
    ],
)
def test_two_sides_that_cannot_be_compared_are_refused(
    two: Path, arguments: tuple[str, ...], said: str
) -> None:
    ended = harness("compare", *arguments, cwd=two)
    assert (ended.code, said in ended.err) == (2, True), ended


def test_identical_cells_whose_weights_are_gone_are_not_verified(two: Path) -> None:
    for path in two.glob("*/quickstart/blobs/weights/*"):
        path.unlink()
    ended = harness("compare", "one:mnist-mlp*#2", "two:mnist-mlp*", cwd=two)
    assert (ended.code, "are not stored" in ended.err) == (10, True), ended
