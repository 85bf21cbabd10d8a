"""`init`: what it writes can be used where it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.init_command import init
from harness.matrix import reading


def test_the_scripts_of_a_matrix_come_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    init("article")
    matrix = reading.read(tmp_path / "article.yaml")
    assert matrix.claims
    (script,) = matrix.scripts.values()
    assert (script.folder / script.path).is_relative_to(tmp_path)
