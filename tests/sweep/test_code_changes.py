"""What a change of the measured side's code makes of records that are there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import harness as program
from harness.results import vouchers

pytestmark = pytest.mark.tensorflow

DATA = Path(__file__).parents[1] / "data" / "matrices"

PROGRAM = "from harness.cli import main; main()"
OPTIONS = ("--engine", "local", "--results", "results")

Actions = list[str]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the program, to be changed."""
    root = tmp_path / "program" / "harness"
    shutil.copytree(Path(str(program.__file__)).parent, root)
    return root


@pytest.fixture
def run(copy: Path, tmp_path: Path) -> Callable[[str], str]:
    """Runs a command of the copy on one small matrix; four runs of one cell each way."""
    shutil.copytree(DATA / "locks", tmp_path / "locks")
    text = (DATA / "small.yaml").read_text().replace("[2.12.1, 2.15.1]", "2.15.1")
    (tmp_path / "m.yaml").write_text(text.replace("[mnist-mlp, co2-conv]", "mnist-mlp"))

    def command(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *arguments, "m.yaml", *OPTIONS],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(copy.parent)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return command


def planned(run: Callable[..., str]) -> Actions:
    return sorted(cell["action"] for cell in json.loads(run("plan", "--json"))["cells"])


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_equal_bits_vouch_for_the_rest_and_other_bits_have_all_done_again(
    run: Callable[..., str], copy: Path, tmp_path: Path
) -> None:
    run("run")
    before = program.load(tmp_path / "results").set_index(["cell", "repeat"])["weights_sha256"]
    [sweep] = (tmp_path / "results" / "small").glob("*cpu*")

    change(copy / "runner" / "serving.py", '"""A warm process:', '"""Reworded: a warm process:')
    assert planned(run) == ["done"] * 4

    change(copy / "runner" / "serving.py", "_POLL_SECONDS = 0.05", "_POLL_SECONDS = 0.04")
    assert planned(run) == ["run", "waits", "waits", "waits"]
    run("run")
    [voucher] = vouchers.read(sweep)
    assert voucher.equal and planned(run) == ["done"] * 4
    assert len(list(sweep.glob("*/1.superseded-*.json"))) == 1
    table = program.load(tmp_path / "results").set_index(["cell", "repeat"])
    assert table["weights_sha256"].equals(before)
    assert table["vouched_by"].dropna().tolist() == [f"{voucher.cell} #{voucher.repeat}"] * 3

    change(copy / "runner" / "workloads" / "mnist_mlp.py", '"adam"', '"sgd"')
    run("run")
    assert [each.equal for each in vouchers.read(sweep)][-1] is False
    assert planned(run) == ["done"] * 4
    again = program.load(tmp_path / "results").set_index(["cell", "repeat"])["weights_sha256"]
    assert not (again == before).any() and again.groupby("cell").nunique().eq(1).all()
