"""`diagnose` and `adopt` used wrongly: one clear message, and nothing is run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from commands import PROGRAM, harness


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["missing.py"], "missing.py: cannot be read: No such file"),
        (["train.py", "--data", "x.npz=nowhere.npz"], "nowhere.npz; name one, or the data set"),
        (["train.py", "--data", "x=train.py", "--data", "x=train.py"], "is given twice"),
        (["train.py", "--data", "x"], "write TARGET=FILE"),
        (["train.py", "--package", "six>=1"], "--package: 'six>=1' is no package"),
        (["train.py", "--package", ""], "--package: '' is no package"),
        (["train.py", "--epochs", "5"], "what the script gets stands behind `--`: SCRIPT -- --ep"),
        (["train.py", "--tensorflow", "newest"], "tensorflow must be one exact release"),
        (["train.py", "--tensorflow", "9.9.9"], "TensorFlow 9.9.9 is not a release known"),
        (["train.py", "--other-tensorflow", "x"], "tensorflow must be one exact release"),
    ],
)
def test_a_mistake_is_said_before_anything_is_written(
    arguments: list[str], expected: str, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text("")
    ended = harness("diagnose", *arguments, "--engine", "local", cwd=tmp_path)
    assert (ended.code, expected in ended.err, "Traceback" in ended.err) == (2, True, False), ended
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train.py"]


def test_output_into_the_folder_of_the_script_is_refused(tmp_path: Path) -> None:
    """It is hashed with the script, so no run would find the records of those before."""
    (tmp_path / "train.py").write_text("")
    with (tmp_path / "train.out").open("w") as out:
        done = subprocess.run(
            [*PROGRAM, "diagnose", "train.py", "--engine", "local", "--tensorflow", "9.9.9"],
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            check=False,
        )
    assert done.returncode == 2 and "train.out: is where this output goes" in done.stderr


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"x = 1\n\0", "error: a.py: is no Python that can be read: source code"),
        (b"\nx = 08\n", "error: a.py:2: is no Python that can be read: leading zeros"),
    ],
)
def test_a_file_that_is_no_python_is_named_with_its_line_once(
    content: bytes, expected: str, tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_bytes(content)
    ended = harness("diagnose", "a.py", "--engine", "local", cwd=tmp_path)
    assert ended.code == 2 and expected in ended.err, ended
    assert "None" not in ended.err and ended.err.count("a.py") == 1
