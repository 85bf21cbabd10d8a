"""A cache, a temporary folder and a results folder of their own, and the engines' bench."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from harness import places

sys.path.insert(0, str(Path(__file__).parents[1] / "engines"))
DATA = Path(__file__).parents[1] / "data" / "matrices"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with `cache`, `tmp` and a matrix with its locks; no Docker Engine."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(places.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    shutil.copy(DATA / "small.yaml", tmp_path)
    shutil.copytree(DATA / "locks", tmp_path / "locks")
    return tmp_path
