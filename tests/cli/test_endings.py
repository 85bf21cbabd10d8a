"""However a command ends, it ends with a documented exit code and in words."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from commands import Ended, harness
from results_factory import cell
from two_machines import HERE, THERE, sweep, train

import harness as package
from harness.cli import app
from harness.cli.lazy_commands import MODULES

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / "matrices" / "quickstart.yaml"
RESULTS = ROOT / "results" / "gpu-check"
SCRIPT = ROOT / "tests" / "data" / "own_scripts" / "custom_loop.py"

ARGUMENTS: Mapping[str, list[str | Path]] = {
    "diagnose": [SCRIPT, "--engine", "local"],
    "adopt": [SCRIPT, "--engine", "local"],
    "init": [],
    "check": [QUICKSTART],
    "migrate": ["results"],
    "worker": ["tls://127.0.0.1:9"],
    "job": ["job.json"],
    "plan": [QUICKSTART, "--engine", "local"],
    "lock": [QUICKSTART],
    "build": [QUICKSTART, "--engine", "local"],
    "run": [QUICKSTART, "--engine", "local"],
    "rm": ["mnist-mlp", "--yes"],
    "table": [RESULTS],
    "publish": [RESULTS, "-o", "site"],
    "doctor": [QUICKSTART],
    "clean": [],
    "compare": [RESULTS, "--by", "class"],
    "diff": [RESULTS, "mnist-cnn*gpu", "mnist-cnn*determinism=on", "--level", "1"],
    "why": [RESULTS, "mnist-cnn*gpu", "mnist-cnn*determinism=on", "--dry-run"],
    "advise": [RESULTS],
    "bundle": [RESULTS, "-o", "bundle.zip"],
    "verify": [RESULTS],
    "bases": [],
    "schema": [],
    "reference": [],
}
"""Every command as it could be called in an empty folder."""


def ended(
    *arguments: str | Path, cwd: Path, variables: Mapping[str, str] | None = None, setup: str = ""
) -> Ended:
    """Run a command; `setup` is Python that runs in its process before it."""
    program = [sys.executable, "-c", f"{setup}\nfrom harness.cli import main; main()"]
    done = subprocess.run(
        [*program, *map(str, arguments)],
        capture_output=True,
        cwd=cwd,
        env={**os.environ, **(variables or {})},
        check=False,
    )
    return Ended(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())


def test_every_command_is_tried_here() -> None:
    assert set(ARGUMENTS) == set(MODULES)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["init", "run", "table"])
def test_a_deleted_folder_is_said(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "deleted"
    folder.mkdir()
    setup = f"import os; os.rmdir({str(folder)!r})"
    said = ended(name, *ARGUMENTS[name], cwd=folder, setup=setup)
    assert (said.code, said.out) == (2, "")
    assert said.err == "error: the current folder was deleted; change into one that exists\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["init", "run", "publish", "bundle", "migrate"])
def test_a_limit_on_the_size_of_files_is_said(name: str, tmp_path: Path) -> None:
    shutil.copytree(RESULTS, tmp_path / "results")
    setup = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (512, {_hard_limit()}))"
    cache = {"HARNESS_CACHE": str(tmp_path / "cache")}
    said = ended(name, *ARGUMENTS[name], cwd=tmp_path, setup=setup, variables=cache)
    assert "Traceback" not in said.err
    assert said.code == 0 or (said.code in (2, 8) and "File too large" in said.err), said


def _hard_limit() -> int:
    return resource.getrlimit(resource.RLIMIT_FSIZE)[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["init", "plan", "table", "doctor"])
def test_a_terminal_that_knows_ascii_only_is_shown_lookalikes(name: str, tmp_path: Path) -> None:
    variables = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    said = ended(name, *ARGUMENTS[name], cwd=tmp_path, variables=variables)
    assert said.code == 0, said
    assert (said.out + said.err).isascii() and "Traceback" not in said.err


@pytest.mark.slow
def test_a_table_keeps_its_columns_in_ascii(tmp_path: Path) -> None:
    ascii = ended("table", RESULTS, cwd=tmp_path, variables={"PYTHONIOENCODING": "ascii"})
    whole = ended("table", RESULTS, cwd=tmp_path, variables={"PYTHONIOENCODING": "utf-8"})
    assert [len(line) for line in ascii.out.splitlines()] == [
        len(line) for line in whole.out.splitlines()
    ]
    assert "-----" in ascii.out and "─────" in whole.out


BROKEN = "import harness.cli.matrix_commands as m; m.schema = lambda: {}['there is no such key']"


def test_a_fault_of_the_program_is_called_one_and_its_traceback_kept(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    said = ended("schema", cwd=tmp_path, setup=BROKEN, variables={"HARNESS_CACHE": str(cache)})
    (kept,) = (cache / "faults").iterdir()
    assert (said.code, said.out) == (1, "")
    assert "a fault of the harness" in said.err and str(kept) in said.err
    assert "Traceback" not in said.err and "there is no such key" in kept.read_text()
    assert package.__version__ in kept.read_text()


@pytest.mark.slow
def test_a_fault_is_said_where_there_is_no_cache_either(tmp_path: Path) -> None:
    variables = {"HARNESS_CACHE": "/dev/null/x"}
    said = ended("schema", cwd=tmp_path, setup=BROKEN, variables=variables)
    assert said.code == 1 and "HARNESS_DEBUG=1" in said.err and "Traceback" not in said.err
    said = ended(
        "schema", cwd=tmp_path, setup=BROKEN, variables={**variables, "HARNESS_DEBUG": "1"}
    )
    assert said.code == 1 and "Traceback" in said.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "extra", "arguments"),
    [
        ("rocrate", "bundle", ["bundle", RESULTS, "-o", "bundle.zip"]),
        ("scipy", "spread", ["compare", "seeds", "--by", "spread", "--baseline", THERE]),
    ],
)
def test_a_missing_extra_is_named(
    module: str, extra: str, arguments: list[str | Path], tmp_path: Path
) -> None:
    cells = [cell(seed=seed) for seed in range(3)]
    for machine, offset in ((HERE, 0), (THERE, 1)):
        one = sweep(tmp_path / "seeds", machine)
        one.plan(cells)
        for number, planned in enumerate(cells):
            train(one, planned, [offset], [offset], value=float(number ** (1 + offset)))
    # An entry of None is how Python itself marks a module that cannot be imported.
    said = ended(*arguments, cwd=tmp_path, setup=f"import sys; sys.modules[{module!r}] = None")
    assert said.code == 2, said
    assert f"pip install 'reproducibility-harness[{extra}]'" in said.err


@pytest.mark.parametrize("name", [None, *ARGUMENTS])
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_has_two_names(
    name: str | None, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    app([*filter(None, [name]), option], standalone_mode=False)
    assert capsys.readouterr().out.startswith("Usage: ")


def test_the_module_runs_like_the_program() -> None:
    command = [sys.executable, "-m", "harness", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"harness {package.__version__}\n" == harness("--version").out
