"""Sweeps in parts: put side by side, or into one folder, they are the sweep that ran whole."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from commands import harness

import harness as program
from harness.sweep import submission
from harness.sweep.submission import Submission

Hashes = dict[tuple[str, int], tuple[str, str, str]]

LOCAL = ("--engine", "local")

SSH = """#!/bin/sh
# Stands in for the way to another host: the command runs in a shell here.
[ "$1" = out-of-reach ] && { echo "ssh: connect to host $1: No route to host" >&2; exit 255; }
exec sh -c "$2"
"""


def commands_with(folder: Path, **scripts: str) -> dict[str, str]:
    """The environment with these commands, and this program, first on the path."""
    folder.mkdir()
    for name, text in scripts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    path = os.pathsep.join([str(folder), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path}


def found_in(results: Path) -> Hashes:
    """The hashes of all runs below a folder, which may be none; each must be completed."""
    frame = program.load(results)
    made = frame[frame["status"] != "pending"]
    assert set(made["status"]) <= {"completed"}
    return {
        (row.cell, row.repeat): (row.init_sha256, row.weights_sha256, row.predictions_sha256)
        for row in made.itertuples()
    }


def printed(matrix: Path, kind: str, *more: str) -> str:
    ended = harness("plan", matrix.name, "--submit", kind, *more, cwd=matrix.parent)
    assert ended.code == 0, ended.err
    return ended.out


@pytest.mark.tensorflow
def test_shards_are_the_sweep(matrix: Path, tmp_path: Path, one_by_one: Hashes) -> None:
    # Of the four, two have nothing to do: a matrix has no use for more shards than groups.
    parts = [tmp_path / f"part{number}" for number in (1, 2, 3, 4)]
    for number, part in enumerate(parts, start=1):
        ended = harness("run", matrix, *LOCAL, "--shard", f"{number}/4", "--results", part)
        assert ended.code == 0, ended.err
        assert f"shard {number}/4: " in ended.err
    each = [found_in(part) for part in parts]
    assert sum(map(len, each)) == len(one_by_one) and max(map(len, each)) < len(one_by_one)
    assert {run: bits for one in each for run, bits in one.items()} == one_by_one

    table = harness("table", *parts, "--by", "run", "--format", "csv")
    assert table.code == 0, table.err
    rows = list(csv.DictReader(io.StringIO(table.out)))
    assert [row["status"] for row in rows] == ["completed"] * len(one_by_one)
    for by in ("setting", "model"):
        assert harness("table", *parts, "--by", by).code == 0

    whole = tmp_path / "whole"
    for part in parts:
        shutil.copytree(part, whole, dirs_exist_ok=True)
    assert harness("check", whole).code == 0
    again = harness("run", matrix, *LOCAL, "--results", whole)
    assert again.code == 0 and "0 runs to do, 8 done before" in again.err
    assert found_in(whole) == one_by_one


@pytest.mark.tensorflow
def test_the_script_for_ssh_runs_every_shard_and_brings_the_results(
    matrix: Path, tmp_path: Path, one_by_one: Hashes
) -> None:
    script = printed(matrix, "ssh", *LOCAL)
    variables = commands_with(tmp_path / "bin", ssh=SSH)

    def send(*hosts: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-c", script, "script", *hosts],
            check=False,
            cwd=matrix.parent,
            env=variables,
            capture_output=True,
            text=True,
        )

    assert send().returncode == 2
    failed = send("one", "out-of-reach")
    assert failed.returncode == 255 and "shard 2/2 ended with 255" in failed.stderr
    ended = send("one", "two", "three", "four")
    assert ended.returncode == 0, ended.stderr
    assert "mnist-mlp" in ended.stdout and "co2-conv" in ended.stdout
    folder = matrix.parent / "shards"
    assert {**found_in(folder / "2"), **found_in(folder / "4")} == one_by_one
    assert found_in(folder / "2") and found_in(folder / "4")


@pytest.mark.tensorflow
def test_the_script_for_slurm_runs_the_shard_of_its_task(
    matrix: Path, tmp_path: Path, one_by_one: Hashes
) -> None:
    script = printed(matrix, "slurm", *LOCAL, "--only", "*determinism=on*", "--shards", "4")
    assert "#SBATCH --array=1-4\n" in script
    variables = commands_with(tmp_path / "bin")
    found: Hashes = {}
    for number in ("1", "2", "3", "4"):
        task = {**variables, "SLURM_ARRAY_TASK_ID": number, "SLURM_ARRAY_TASK_COUNT": "1"}
        subprocess.run(["sh", "-c", script], cwd=matrix.parent, env=task, check=True)
        found.update(found_in(matrix.parent / "shards" / number))
    expected = {run: bits for run, bits in one_by_one.items() if "determinism=on" in run[0]}
    assert found == expected and expected


@pytest.mark.parametrize("kind", ["slurm", "ssh"])
@pytest.mark.parametrize("matrix_name", ["m.yaml", "my sweeps/$HOME's `x`.yaml"])
def test_scripts_are_quoted(kind: str, matrix_name: str, tmp_path: Path) -> None:
    """The shell hands `harness` what was asked for, whatever signs stand in it."""
    options = ("--only", "*threads=1*", "--only", "a'b $c")
    sent = Submission(matrix=matrix_name, name="m", count=2, options=options)
    seen = tmp_path / "seen"
    shown = f'#!/bin/sh\n[ "$1" = table ] || printf "%s\\n" "$@" >"{seen}-$$"\n'
    variables = commands_with(tmp_path / "bin", harness=shown, ssh=SSH)
    subprocess.run(
        ["sh", "-c", submission.script(kind, sent), "script", "host"],
        check=False,
        cwd=tmp_path,
        env={**variables, "SLURM_ARRAY_TASK_ID": "1"},
        capture_output=True,
    )
    (file,) = tmp_path.glob("seen-*")
    count = 2 if kind == "slurm" else 1
    expected = ["run", matrix_name, *options, "--shard", f"1/{count}", "--results", "shards/1"]
    assert file.read_text().splitlines() == expected


def test_the_workflow_for_github_has_a_job_for_each_shard() -> None:
    sent = Submission(matrix="matrices/m.yaml", name="m", count=3, options=("--only", "*a: b*"))
    workflow = yaml.safe_load(submission.script("github", sent))
    job = workflow["jobs"]["shard"]
    assert job["strategy"]["matrix"]["shard"] == [1, 2, 3]
    (run,) = (step["run"] for step in job["steps"] if "--shard" in step.get("run", ""))
    number = "${{ matrix.shard }}"
    options = f"--shard {number}/3 --results shards/{number}"
    assert run == f"harness run matrices/m.yaml --only '*a: b*' {options}"
    assert workflow["jobs"]["table"]["needs"] == "shard"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--shards", "3"], "--submit"),
        (["--submit", "slurm", "--shards", "0"], "--shards"),
        (["--submit", "cron"], "--submit"),
        (["--shard", "5/4"], "numbered from 1 to 4"),
    ],
)
@pytest.mark.slow
def test_shards_asked_for_wrongly(matrix: Path, arguments: list[str], said: str) -> None:
    ended = harness("plan", matrix, *arguments)
    assert (ended.code, said in ended.err, "Traceback" in ended.err) == (2, True, False), ended
