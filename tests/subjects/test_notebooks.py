"""Notebooks as scripts: what counts of them, and how they run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from commands import harness
from runner.script_host import FIT

from harness import load
from harness.errors import UsageError
from harness.subjects import notebooks, snapshots
from harness.subjects.scripts import ScriptEntry

LOCKS = Path(__file__).parents[1] / "data" / "matrices" / "locks"


def notebook(path: Path, *cells: str, output: str = "1", language: str = "python") -> Path:
    made: list[dict[str, Any]] = [
        {"cell_type": "markdown", "metadata": {}, "source": "# A training"},
        *(
            {
                "cell_type": "code",
                "execution_count": 3,
                "metadata": {"scrolled": True},
                "outputs": [{"output_type": "stream", "name": "stdout", "text": output}],
                "source": cell,
            }
            for cell in cells
        ),
    ]
    kernel = {"kernelspec": {"name": "k", "display_name": "K", "language": language}}
    content = {"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 4}
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    made = tmp_path / "mine"
    made.mkdir()
    return made


def entry(folder: Path) -> ScriptEntry:
    return ScriptEntry(name="book", path="book.ipynb", folder=folder)


def test_cells_are_the_script_and_what_only_ipython_knows_is_none(folder: Path) -> None:
    path = notebook(folder / "book.ipynb", "%matplotlib inline\nx = 1", "!pip list\nprint(x + 1)")
    text = notebooks.script_of(path)
    assert b"x = 1" in text and b"# %matplotlib inline" in text and b"# !pip list" in text
    compile(text, "book.py", "exec")


def test_outputs_do_not_count_and_cells_do(folder: Path) -> None:
    def digest(*cells: str, output: str = "1") -> str:
        notebook(folder / "book.ipynb", *cells, output=output)
        return snapshots.describe(entry(folder)).folder_sha256

    first = digest("x = 1")
    assert digest("x = 1", output="another time") == first
    assert digest("x = 2") != first


def test_the_copy_has_the_script_in_place_of_the_notebook(folder: Path) -> None:
    notebook(folder / "book.ipynb", "x = 1")
    script = snapshots.stage(entry(folder))
    copy = snapshots.folder_of(script)
    assert script.path == "book.py"
    assert [each.name for each in copy.iterdir()] == ["book.py"]
    assert (copy / "book.py").read_bytes() == notebooks.script_of(folder / "book.ipynb")
    # A copy that was changed is made again.
    (copy / "book.py").write_text("x = 2")
    snapshots.stage(entry(folder))
    assert b"x = 1" in (copy / "book.py").read_bytes()


def test_a_script_that_lies_where_it_is_to_be_is_an_error(folder: Path) -> None:
    notebook(folder / "book.ipynb", "x = 1")
    (folder / "book.py").write_text("x = 2")
    with pytest.raises(
        UsageError, match=r"book\.py: lies where the script of book\.ipynb is to be"
    ):
        snapshots.describe(entry(folder))


def test_other_languages_are_refused(folder: Path) -> None:
    path = notebook(folder / "book.ipynb", "x <- 1", language="R")
    with pytest.raises(UsageError, match="is in R; only notebooks in Python can be run"):
        notebooks.script_of(path)


MATRIX = """
schema: 1
name: book
environments: {python: "3.11", tensorflow: 2.15.1}
workloads:
  book: {script: book.ipynb}
  plain: {script: train.py}
axes: {workload: [book, plain]}
"""


@pytest.mark.tensorflow
def test_a_notebook_trains_as_a_script_does(tmp_path: Path) -> None:
    shutil.copytree(LOCKS, tmp_path / "locks")
    notebook(tmp_path / "book.ipynb", "%load_ext autoreload", FIT)
    (tmp_path / "train.py").write_text(FIT)
    (tmp_path / "m.yaml").write_text(MATRIX)
    ended = harness("run", "m.yaml", "--engine", "local", cwd=tmp_path)
    assert ended.code == 0, ended.err
    weights = load(tmp_path / "results").set_index("workload")["weights_sha256"]
    assert weights["book"] == weights["plain"]
