"""Interpreters: found, really started, and told apart."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from harness.environments import interpreters
from harness.errors import BuildError

HERE = "%d.%d" % sys.version_info[:2]  # noqa: UP031


def test_an_interpreter_is_not_a_virtual_environment(tmp_path: Path) -> None:
    found = interpreters.find(HERE)
    assert found.build.startswith(f"{HERE}.")
    assert not (found.path.parent.parent / "pyvenv.cfg").exists()
    assert found.description == f"CPython {found.build}"


def test_another_version_is_not_taken() -> None:
    assert interpreters.probe(Path(sys.executable), HERE) is not None
    assert interpreters.probe(Path(sys.executable), "3.6") is None


def test_what_does_not_start_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "python").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "python").chmod(0o755)
    assert interpreters.probe(tmp_path / "python", HERE) is None
    assert interpreters.probe(tmp_path / "missing", HERE) is None


def test_pyenvs_versions_are_found_newest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = interpreters.find(HERE).path
    for name in (f"{HERE}.2", f"{HERE}.10", f"{HERE}-dev", "my-environment"):
        (tmp_path / "versions" / name / "bin").mkdir(parents=True)
    (tmp_path / "versions" / f"{HERE}.2" / "bin" / "python").symlink_to(real)
    # The newest one is broken, and so are the shims: the next one serves.
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    (tmp_path / "shims").mkdir()
    shim = tmp_path / "shims" / f"python{HERE}"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'shims'}{os.pathsep}/nowhere")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert interpreters.find(HERE).path == real


def test_a_python_that_nobody_has_is_refused_with_what_to_do() -> None:
    with pytest.raises(BuildError, match=r"no Python 3\.99.*\n.*--engine docker"):
        interpreters.find("3.99")
