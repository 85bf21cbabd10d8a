"""How the measured side is put together: one module per axis, one file per workload."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness.protocol.axes import BY_NAME, NAMES
from harness.subjects.reference import SUBJECTS

RUNNER = Path(harness.__file__).parent / "runner"
AXES = RUNNER / "backends" / "tensorflow" / "axes"
MODULES = {path.stem: path for path in AXES.glob("*.py") if path.stem != "__init__"}
FRAMEWORKS = {"tensorflow", "keras", "tf_keras"}


def functions(path: Path) -> dict[str, list[str]]:
    """The module's functions, with the names of their parameters."""
    tree = ast.parse(path.read_bytes())
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {node.name: [each.arg for each in node.args.args] for node in found}


def imports(path: Path) -> set[str]:
    """The top packages that a file imports anywhere, and the modules of ours."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_every_axis_has_a_module_that_reads_it_and_every_module_an_axis() -> None:
    assert set(MODULES) == set(NAMES)
    assert {
        name for name, path in MODULES.items() if functions(path).get("read") != ["run"]
    } == set()


@pytest.mark.parametrize("name", sorted(MODULES))
def test_an_axis_that_is_applied_says_when_and_one_that_is_not_is_applied_elsewhere(
    name: str,
) -> None:
    text = MODULES[name].read_text()
    is_applied = functions(MODULES[name]).get("apply") == ["value", "run"]
    assert is_applied == ("\nSTAGE = stages." in text)
    # The sequence of the run loads the workload, `seeding` hands the seed over, and a script's
    # arguments carry its parameters.
    elsewhere = {"workload", "seed", "parameters"}
    assert is_applied or BY_NAME[name].scope == "process" or name in elsewhere


@pytest.mark.parametrize("name", sorted(MODULES))
def test_no_axis_imports_another(name: str) -> None:
    package = "harness.runner.backends.tensorflow.axes"
    assert not [each for each in imports(MODULES[name]) if each.startswith(package)]


def test_only_backends_know_a_framework() -> None:
    outside = [p for p in RUNNER.rglob("*.py") if p.parent.name != "workloads"]
    outside = [p for p in outside if RUNNER / "backends" / "tensorflow" not in p.parents]
    # Scripts are observed where they call their framework.
    outside = [p for p in outside if p.parent.name != "observing"]
    assert len(outside) > 10
    knowing = {p.name for p in outside if {n.split(".")[0] for n in imports(p)} & FRAMEWORKS}
    assert knowing == set()


def test_workloads_are_read_without_their_framework() -> None:
    code = (
        "import sys; from harness.subjects.reference import SUBJECTS\n"
        "print(len(SUBJECTS), sorted({'tensorflow', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1) == [str(len(SUBJECTS)), "[]\n"]


def test_there_is_one_file_for_each_workload() -> None:
    files = {path.stem.replace("_", "-") for path in (RUNNER / "workloads").glob("*_*.py")}
    assert set(SUBJECTS) | {"--init--"} == files
    assert BY_NAME["workload"].default in SUBJECTS
    assert all(name == subject.name for name, subject in SUBJECTS.items())
