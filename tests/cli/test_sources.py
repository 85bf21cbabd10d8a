"""Results are named as folders or bundles; what is neither is called by its name."""

from __future__ import annotations

import json
from pathlib import Path

import bundled
import pytest
from commands import called
from results_factory import SweepOnDisk, cell
from two_machines import HERE, THERE, sweep

ROOT = Path(__file__).parents[2]
ONE, TWO = cell(threads=1), cell(threads=2)

pytestmark = pytest.mark.slow


def made(root: Path, machine: str) -> SweepOnDisk:
    on = sweep(root, machine)
    on.plan([ONE, TWO])
    bundled.keep_lock(on, ONE)
    bundled.train(on, ONE, [1.0], [1.0])
    bundled.train(on, TWO, [2.0 if machine == HERE else 3.0], [2.0 if machine == HERE else 3.0])
    return on


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("a") / "mine", HERE).root


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of another machine, as a bundle."""
    folder = tmp_path_factory.mktemp("b")
    return bundled.bundle(made(folder / "theirs", THERE).root, folder / "theirs.zip")


@pytest.mark.parametrize("by", ["class", "cell", "run", "axis", "setting", "model"])
def test_a_table_takes_several_folders_and_bundles(
    mine: Path, theirs: Path, by: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = called(
        capsys, "table", mine, theirs, "--by", by, "--only", "mnist-mlp", "--format", "json"
    )
    assert ended.code == 0, ended
    assert (HERE in ended.out and THERE in ended.out) or by == "axis"
    assert ended.err.splitlines()[-1].startswith("4 cells × 2 repeats = 8 runs: 8 completed")


def test_a_table_of_a_selection_has_nothing_else(
    mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = called(
        capsys, "table", mine, "--by", "run", "--only", "*threads=1*", "--format", "json"
    )
    assert {row["cell"] for row in json.loads(ended.out)} == {ONE.id}
    assert called(capsys, "table", mine, "--only", "*threads=9*").code == 3


def test_a_bundle_is_compared_like_a_folder(
    mine: Path, theirs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = called(capsys, "compare", mine, theirs)
    assert ended.code == 0
    assert "2 cells = 1 different + 1 identical" in " ".join(ended.out.split())
    assert called(capsys, "table", mine, theirs, "--by", "machine").out != ""


def test_a_damaged_bundle_is_not_read(
    mine: Path, theirs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = theirs.read_bytes()
    at = whole.index(b'"status"') + 12
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(whole[:at] + b"x" + whole[at + 1 :])
    for command in ("table", "compare"):
        ended = called(capsys, command, mine, damaged)
        assert ended.code == 8 and "damaged" in ended.err, ended


def test_a_bundle_is_published_like_its_folder(
    theirs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = theirs.parent / "theirs"
    assert called(capsys, "publish", folder, "-o", tmp_path / "a").code == 0
    assert called(capsys, "publish", theirs, "-o", tmp_path / "b").code == 0
    pages = [(tmp_path / name / "index.html").read_bytes() for name in "ab"]
    assert pages[0] == pages[1]


def test_ids_stand_in_place_of_settings_and_are_never_broken(
    mine: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    for by in ("class", "cell", "run"):
        narrow = called(capsys, "table", mine, "--by", by, "--ids").out
        assert ONE.id in narrow and TWO.id in narrow
    assert ONE.id not in called(capsys, "table", mine, "--by", "class").out


def test_a_pipe_has_no_width_and_a_narrow_terminal_keeps_the_results(
    mine: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    piped = called(capsys, "table", mine).out
    monkeypatch.setenv("COLUMNS", "72")
    narrow = called(capsys, "table", mine).out
    assert "left out" not in piped and max(map(len, narrow.splitlines())) <= 72
    for kept in ("weights", "loss", "accuracy", "threads=1"):
        assert kept in narrow


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "BUNDLE"], "is a bundle, and this takes a matrix file; harness verify"),
        (["plan", "RESULTS"], "is a results folder, and this takes a matrix file; harness table"),
        (["run", "SCRIPT"], "is a script, and this takes a matrix file; harness diagnose"),
        (["table", "MATRIX"], "is a matrix file, and this takes a results folder or a bundle"),
        (["compare", "MATRIX"], "harness run"),
        (["publish", "MATRIX", "-o", "OUT"], "harness run"),
        (["verify", "MATRIX"], "harness run"),
        (["diagnose", "MATRIX"], "harness run"),
        (["bundle", "BUNDLE", "-o", "OUT"], "harness verify"),
        (["table", "RECORD"], "is a job or record"),
        (["table", "NEITHER"], "is neither a results folder nor a bundle"),
    ],
)
def test_the_right_command_is_named(
    mine: Path,
    theirs: Path,
    tmp_path: Path,
    arguments: list[str],
    expected: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {
        "MATRIX": ROOT / "matrices" / "quickstart.yaml",
        "RESULTS": mine,
        "BUNDLE": theirs,
        "SCRIPT": ROOT / "tests" / "data" / "own_scripts" / "custom_loop.py",
        "RECORD": next(mine.rglob("1.json")),
        "OUT": tmp_path / "out",
        "NEITHER": ROOT / "LICENSE",
    }
    ended = called(capsys, *(places.get(word, word) for word in arguments))
    assert ended.code == 2 and expected in ended.err, ended
    assert ended.err.startswith("error: ") and len(ended.err.splitlines()) == 1
