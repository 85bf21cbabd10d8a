"""A run's identity: the meaning of the code that it loads, and of nothing else."""

from __future__ import annotations

import ast
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import harness
from harness.executors import code_identity
from harness.executors.code_identity import code_sha256
from harness.matrix.cells import DEFAULTS

AXES = tuple(DEFAULTS)
MLP, LSTM = "mnist-mlp", "co2-lstm"

Program = Callable[[], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the program, to be changed."""
    root = tmp_path / "harness"
    shutil.copytree(Path(str(harness.__file__)).parent, root)
    monkeypatch.setattr(code_identity, "_ROOT", root)
    return root


@pytest.fixture(autouse=True)
def _forget() -> None:
    forget()


def forget() -> None:
    """What was read of the sources is read anew."""
    each = code_identity
    for cached in (each._closure, each._imports, each._tree, each._meaning, each._digest):
        cached.cache_clear()


def digests(axes: tuple[str, ...] = AXES) -> tuple[str, str]:
    forget()
    return code_sha256(MLP, axes), code_sha256(LSTM, axes)


def test_the_modules_of_a_run_are_its_own(program: Path) -> None:
    names = {"runner/training.py", "runner/workloads/mnist_mlp.py", "protocol/files.py"}
    for name in names:
        before = digests()
        with (program / name).open("a") as file:
            file.write("\nADDED = 1\n")
        after = digests()
        assert before[0] != after[0], name
        assert (before[1] == after[1]) == ("workloads" in name), name


@pytest.mark.slow
def test_every_axis_has_its_module_in_it(program: Path) -> None:
    for axis in AXES:
        before = digests()
        path = program / "runner" / "backends" / "tensorflow" / "axes" / f"{axis}.py"
        path.write_text(path.read_text() + "\nADDED = 1\n")
        assert all(old != new for old, new in zip(before, digests(), strict=True)), axis


@pytest.mark.slow
def test_words_and_layout_mean_nothing(program: Path) -> None:
    before = digests()
    for path in [*(program / "runner").rglob("*.py"), *(program / "protocol").rglob("*.py")]:
        text = path.read_text()
        if "from __future__" in text:
            start = text.index("from __future__")
            path.write_text(f'"""Reworded."""\n\n# A comment.\n\n\n{text[start:]}\n# The end.\n')
    assert digests() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("runner/workloads", "another_workload"),
        ("runner/backends/tensorflow/axes", "another_axis"),
        ("analysis", "another_column"),
        ("engines", "another_engine"),
    ],
)
def test_what_is_added_makes_nothing_stale(program: Path, folder: str, name: str) -> None:
    before = digests()
    (program / folder / f"{name}.py").write_text("NEW = 1\n")
    catalogue = program / "protocol" / "axes.py"
    catalogue.write_text(catalogue.read_text() + "\nMORE = 1\n")
    assert digests() == before
    if "axes" in folder:
        assert all(a != b for a, b in zip(digests((*AXES, name)), before, strict=True))


def test_a_change_of_arithmetic_is_seen(program: Path) -> None:
    measures = program / "runner" / "measures.py"
    before = digests()
    measures.write_text(measures.read_text().replace("math.fsum", "sum"))
    assert all(old != new for old, new in zip(before, digests(), strict=True))


def test_no_core_module_lists_workloads_or_axes(program: Path) -> None:
    """Adding one to a list would change what every run loads."""
    roots = (code_identity._ENTRY, code_identity._BACKEND)
    reached = code_identity._closure(roots, code_identity._SCRIPTS)
    packages = (code_identity._WORKLOADS, code_identity._AXES, code_identity._SCRIPTS)
    own = {f"{package}." for package in packages}
    assert not [name for name in reached if name.startswith(tuple(own))]
    assert {"harness.runner.training", "harness.runner.hashing"} <= reached


def test_the_digest_does_not_depend_on_the_python_that_parses() -> None:
    tree = ast.parse("def f(x: int) -> int:\n    'words'\n    return x + 1\n")
    assert code_identity._canonical(tree) == (
        "Module",
        (
            "body",
            (
                (
                    "FunctionDef",
                    ("name", "f"),
                    (
                        "args",
                        (
                            "arguments",
                            (
                                "args",
                                (
                                    (
                                        "arg",
                                        ("arg", "x"),
                                        ("annotation", ("Name", ("id", "int"), ("ctx", ("Load",)))),
                                    ),
                                ),
                            ),
                        ),
                    ),
                    (
                        "body",
                        (
                            (
                                "Return",
                                (
                                    "value",
                                    (
                                        "BinOp",
                                        ("left", ("Name", ("id", "x"), ("ctx", ("Load",)))),
                                        ("op", ("Add",)),
                                        ("right", ("Constant", ("value", 1))),
                                    ),
                                ),
                            ),
                        ),
                    ),
                    ("returns", ("Name", ("id", "int"), ("ctx", ("Load",)))),
                ),
            ),
        ),
    )
