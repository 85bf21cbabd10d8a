"""Working folders that pass from one repeat to the next."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.errors import DataError
from harness.executors.working_folders import WorkingFolder
from harness.protocol.job import Run


def run(repeat: int) -> Run:
    return Run(cell="resume", repeat=repeat, settings={"workload": "resume"})


def output(folder: Path, name: str) -> Path:
    made = folder / name
    made.mkdir()
    return made


def leave(folder: Path, text: str) -> None:
    """What a run does in its working folder."""
    (folder / "work").mkdir(exist_ok=True)
    (folder / "work" / "state").write_text(text)


def test_a_run_finds_what_the_one_before_it_left(tmp_path: Path) -> None:
    kept = WorkingFolder(path=tmp_path / "kept")
    first, second = output(tmp_path, "1"), output(tmp_path, "2")
    with kept.lent(run(1), first):
        leave(first, "one")
    kept.require(run(2))
    with kept.lent(run(2), second):
        assert (second / "work" / "state").read_text() == "one"
        leave(second, "two")
    kept.require(run(3))
    with pytest.raises(DataError, match="repeat 1 left is not here"):
        kept.require(run(2))


def test_an_interrupted_run_is_done_again_from_the_same_state(tmp_path: Path) -> None:
    kept = WorkingFolder(path=tmp_path / "kept")
    first, second, again = (output(tmp_path, name) for name in "123")
    with kept.lent(run(1), first):
        leave(first, "one")
    with pytest.raises(KeyboardInterrupt), kept.lent(run(2), second):
        leave(second, "half")
        raise KeyboardInterrupt
    kept.require(run(2))
    with kept.lent(run(2), again):
        assert (again / "work" / "state").read_text() == "one"


def test_the_first_run_starts_with_nothing(tmp_path: Path) -> None:
    kept = WorkingFolder(path=tmp_path / "kept")
    first, again = output(tmp_path, "1"), output(tmp_path, "2")
    with kept.lent(run(1), first):
        leave(first, "one")
    with kept.lent(run(1), again):
        assert not (again / "work").exists()


def test_links_and_pipes_of_a_training_lead_nowhere(tmp_path: Path) -> None:
    kept = WorkingFolder(path=tmp_path / "kept")
    first, second = output(tmp_path, "1"), output(tmp_path, "2")
    (tmp_path / "secret").write_text("secret")
    with kept.lent(run(1), first):
        leave(first, "one")
        (first / "work" / "link").symlink_to(tmp_path / "secret")
        os.mkfifo(first / "work" / "pipe")
    with kept.lent(run(2), second):
        assert (second / "work" / "link").is_symlink()
        assert not (second / "work" / "pipe").exists()
    linked = output(tmp_path, "3")
    with kept.lent(run(1), linked):
        (linked / "work").symlink_to(tmp_path)
    kept.require(run(3))
