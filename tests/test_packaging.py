"""The program as it is handed out: version, dependencies, wheel and source distribution."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
import uv
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import harness

ROOT = Path(__file__).parents[1]
DISTRIBUTION = "reproducibility-harness"
RUN_AS_MODULES = {"pip"}
"""Dependencies that are started as programs of this interpreter and not imported."""


def test_the_version_is_that_of_the_newest_changes() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(\S+)\]( - \d{4}-\d{2}-\d{2})?$", changes, re.MULTILINE)
    released = [(name, date) for name, date in headings if name != "Unreleased"]
    assert released in (headings, headings[1:])
    assert released[0][0] == harness.__version__ and all(date for _, date in released)
    assert metadata.version(DISTRIBUTION) == harness.__version__
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == harness.__version__


def imported() -> set[str]:
    """The top-level modules that the host's part of the program imports."""
    files = [
        file
        for file in (ROOT / "harness").rglob("*.py")
        # The runner's imports are of the environment that it measures.
        if "runner" not in file.relative_to(ROOT / "harness").parts
    ]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    absolute = (node for node in nodes if isinstance(node, ast.ImportFrom) and not node.level)
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in absolute if node.module]
    own = {"harness", *sys.stdlib_module_names}
    return {name.partition(".")[0] for name in names} - own


def declared() -> set[str]:
    """The distributions that the program depends on, those of its extras for users included."""
    requirements = map(Requirement, metadata.requires(DISTRIBUTION) or [])
    return {
        canonicalize_name(one.name)
        for one in requirements
        if one.marker is None or 'extra == "test"' not in str(one.marker)
    }


@pytest.mark.slow
def test_what_is_imported_is_declared_and_the_other_way_round() -> None:
    providers = metadata.packages_distributions()
    needed = {canonicalize_name(providers.get(name, [name])[0]) for name in imported()}
    assert needed == declared() - RUN_AS_MODULES


def test_the_constraints_pin_every_dependency() -> None:
    text = (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8")
    pinned = {canonicalize_name(name) for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}
    requirements = [Requirement(text) for text in metadata.requires(DISTRIBUTION) or []]
    missing = {canonicalize_name(one.name) for one in requirements} - pinned - {DISTRIBUTION}
    assert not missing and "//" not in text


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    _run(uv.find_uv_bin(), "build", "--quiet", "--out-dir", folder, ROOT, cwd=folder)
    return folder


@pytest.mark.network
def test_the_source_distribution_has_all_but_the_results(built: Path) -> None:
    (file,) = built.glob("*.tar.gz")
    with tarfile.open(file) as archive:
        top = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert {"harness", "matrices", "dockerfiles", "tests", "CHANGELOG.md", "LICENSE"} <= top
    assert "results" not in top
    assert file.stat().st_size < 5e6


@pytest.fixture(scope="module")
def program(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`harness` installed from the wheel, into an environment of its own."""
    folder = tmp_path_factory.mktemp("installed")
    (wheel,) = built.glob("*.whl")
    _run(uv.find_uv_bin(), "venv", "--quiet", "--python", sys.executable, folder, cwd=folder)
    python = folder / "bin" / "python"
    install = [uv.find_uv_bin(), "pip", "install", "--quiet", "--python"]
    _run(*install, python, wheel, cwd=folder)
    before = _files(folder)
    yield folder / "bin" / "harness"
    assert _files(folder) == before, "nothing is written into an installation"


@pytest.mark.network
def test_an_installed_wheel_is_a_full_product(program: Path, tmp_path: Path) -> None:
    assert _run(program, "init", "quickstart", cwd=tmp_path).returncode == 0
    assert "nothing wrong" in _run(program, "check", "quickstart.yaml", cwd=tmp_path).stderr
    plan = ["plan", "quickstart.yaml", "--engine", "local", "--format", "csv"]
    assert _run(program, *plan, cwd=tmp_path).stdout.count("run,no record yet") == 48
    for name in sorted(file.stem for file in (ROOT / "matrices").glob("*.yaml")):
        other = tmp_path / name
        other.mkdir()
        _run(program, "init", name, cwd=other)
        assert "locked" not in _run(program, "lock", f"{name}.yaml", cwd=other).stderr


@pytest.mark.network
def test_shipped_locks_answer_where_a_matrix_has_none(program: Path, tmp_path: Path) -> None:
    matrix = tmp_path / "own.yaml"
    matrix.write_text("schema: 1\nname: own\nenvironments: {tensorflow: 2.21.0, python: '3.13'}\n")
    plan = json.loads(_run(program, "plan", matrix, "--json", cwd=tmp_path).stdout)
    parts = {part["part"]: part["reused"] for part in plan["environments"]}
    assert parts["lock"]


@pytest.mark.network
def test_a_missing_uv_is_said(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In a cache with environments in it nothing would need uv.
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    tool = program.with_name("uv")
    aside = tool.rename(tmp_path / "uv")
    try:
        _run(program, "init", cwd=tmp_path)
        for command in ("run", "build", "doctor"):
            ended = _run(
                program, command, "quickstart.yaml", "--engine", "local", cwd=tmp_path, check=False
            )
            said = " ".join((ended.stdout + ended.stderr).split())
            assert ended.returncode == 5 and "--force-reinstall uv" in said, ended
            assert "Traceback" not in ended.stderr
    finally:
        aside.rename(tool)


def _files(folder: Path) -> dict[Path, int]:
    """Every file but what the interpreter compiled, and when it was last written."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {path: path.stat().st_mtime_ns for path in found}


def _run(*command: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, cwd=cwd, check=False
    )
    assert not check or done.returncode == 0, done
    return done
