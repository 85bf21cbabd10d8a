"""The commands used wrongly: one clear message, the right exit code, never a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import harness

from harness.engines import gpus

ROOT = Path(__file__).parents[2]
MATRICES = ROOT / "matrices"
DATA = ROOT / "tests" / "data" / "matrices"
QUICKSTART = MATRICES / "quickstart.yaml"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["check", "missing.yaml"], 2, "missing.yaml: there is no such matrix file; harness init"),
        (["check", DATA / "ten_mistakes.yaml"], 2, "ten_mistakes.yaml has 14 problems"),
        (["check"], 2, "name a matrix file or a folder of results"),
        (["chekc"], 2, "no such command"),
        (["plan", QUICKSTART, "--only", "nothing"], 3, "ids look like"),
        (["plan", QUICKSTART, "--format", "xml"], 2, "choose one of rich, csv, json"),
        (["run", QUICKSTART, "--only", "nothing", "--engine", "local"], 3, "ids look like"),
        (["run", QUICKSTART, "--engine", "podman"], 2, "podman"),
        (["run", QUICKSTART, "--memory", "lots"], 2, "'lots' is not a size"),
        (["run", QUICKSTART, "--memory", "0"], 2, "too little"),
        (["build", QUICKSTART, "--engine", "local", "--results", "/dev/null/x"], 8, "/dev/null"),
        (["run", QUICKSTART, "--timeout", "0"], 2, "--timeout"),
        (["run", QUICKSTART, "--dry-run", "--on", "slurm"], 2, "not known before its jobs run"),
        (["table", "missing"], 2, "missing"),
        (["table", ROOT / "tests"], 2, "results"),
        (["table", ROOT / "tests", "--by", "colour"], 2, "colour"),
    ],
)
def test_a_mistake_is_said_in_words(
    arguments: list[str | Path], code: int, expected: str, tmp_path: Path
) -> None:
    ended = harness(*arguments, cwd=tmp_path)
    assert (ended.code, expected in ended.err, "Traceback" in ended.err) == (code, True, False), (
        ended
    )


def test_check_says_what_would_work_instead(tmp_path: Path) -> None:
    matrix = tmp_path / "m.yaml"
    matrix.write_text(
        'schema: 1\nname: m\nenvironments:\n  - {python: "3.12", tensorflow: 2.10.0}\n'
    )
    ended = harness("check", matrix)
    assert ended.code == 2
    assert f"{matrix}:4:5: " in ended.err and "3.10" in ended.err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["quickstart", "article", "versions", "cpu", "gpu", "reference"])
def test_the_shipped_matrices_pass_their_check(name: str) -> None:
    ended = harness("check", MATRICES / f"{name}.yaml")
    assert (ended.code, "nothing wrong" in ended.err) == (0, True)


def test_plan_says_per_run_what_would_happen_and_why(tmp_path: Path) -> None:
    ended = harness("plan", QUICKSTART, "--format", "json", cwd=tmp_path)
    rows = json.loads(ended.out)
    assert ended.code == 0 and len(rows) == 48
    assert {(row["action"], row["why"]) for row in rows} == {("run", "no record yet")}
    assert not list(tmp_path.iterdir()), "planning leaves nothing behind"


def test_a_selection_of_nothing_leaves_nothing(tmp_path: Path) -> None:
    harness("run", QUICKSTART, "--only", "nothing", "--engine", "local", cwd=tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_plan_says_that_there_is_no_gpu_where_there_is_none(tmp_path: Path) -> None:
    if gpus.absent() is None:
        pytest.skip("there is a GPU here")
    ended = harness("plan", MATRICES / "gpu.yaml", "--only", "*,gpu*", "--format", "json")
    assert {row["action"] for row in json.loads(ended.out)} == {"unavailable"}
    assert all("no NVIDIA GPU" in row["why"] for row in json.loads(ended.out))


@pytest.mark.slow
def test_a_cache_that_cannot_be_used_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_CACHE", "/dev/null/x")
    ended = harness("run", QUICKSTART, "--engine", "local", cwd=tmp_path)
    assert ended.code == 2 and "HARNESS_CACHE" in ended.err and "Traceback" not in ended.err


@pytest.mark.slow
def test_plan_shows_what_cannot_exist_with_its_reason(tmp_path: Path) -> None:
    matrix = tmp_path / "m.yaml"
    matrix.write_text(
        'schema: 1\nname: m\nenvironments: {python: ["3.10", "3.12"], tensorflow: 2.10.0}\n'
        "axes: {cpus: [1, 4000]}\n"
        "exclude: [{python: '3.12', cpus: 1, because: known}]\n"
    )
    rows = json.loads(harness("plan", matrix, "--format", "json", cwd=tmp_path).out)
    actions = sorted(row["action"] for row in rows)
    assert actions == ["excluded", "run", "unavailable", "unavailable"]
    assert all(row["why"] for row in rows)


@pytest.mark.slow
def test_a_lock_changed_by_hand_is_refused(tmp_path: Path) -> None:
    matrix = tmp_path / "m.yaml"
    matrix.write_text("schema: 1\nname: m\nenvironments: {python: '3.11', tensorflow: 2.15.1}\n")
    (tmp_path / "locks").mkdir()
    lock = DATA / "locks" / "tf2.15.1,py3.11,cpu.txt"
    broken = lock.read_text().replace("numpy==1.26.4", "numpy==1.26.3", 1)
    (tmp_path / "locks" / lock.name).write_text(broken)
    ended = harness("run", matrix, "--engine", "local", cwd=tmp_path)
    assert ended.code == 4 and "numpy" in ended.err and "Traceback" not in ended.err


@pytest.mark.slow
@pytest.mark.parametrize("command", [("check",), ("plan", "--engine", "local", "--format", "csv")])
def test_more_samples_than_the_data_has_are_said_before_the_sweep(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    text = (DATA / "small.yaml").read_text().replace("samples: 256", "samples: [256, 5000]")
    (tmp_path / "small.yaml").write_text(text)
    ended = harness(command[0], "small.yaml", *command[1:], cwd=tmp_path)
    assert ended.code == 0, ended.err
    said = " ".join((ended.out + ended.err).split())
    assert "samples=5000 asked for, and the data of co2-conv has 1707 training rows" in said
    assert "unavailable" in said
