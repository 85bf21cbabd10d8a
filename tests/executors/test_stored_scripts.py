"""What a sweep keeps of a user's script, and what it says of one that is too large."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.executors import stored_scripts
from harness.protocol.script import Script
from harness.results import blobs
from harness.results.store import Store
from harness.subjects import snapshots
from harness.subjects.scripts import ScriptEntry


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train.py").write_text("x = 1\n")
    return snapshots.stage(ScriptEntry(name="churn", path="train.py", folder=tmp_path / "mine"))


@pytest.fixture
def results(tmp_path: Path) -> Store:
    return Store(tmp_path / "results", "m", "zen4-2cpu")


def test_the_folder_of_a_script_lies_with_the_results(script: Script, results: Store) -> None:
    assert stored_scripts.is_stored(script)
    stored_scripts.store(results, script)
    path = results.blob_path(blobs.SCRIPTS, script.folder_sha256)
    before = path.stat().st_mtime_ns
    stored_scripts.store(results, script)
    assert path.stat().st_mtime_ns == before


def test_one_that_is_too_large_is_left_out_which_is_said_once(
    script: Script,
    results: Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(stored_scripts, "MAX_SCRIPT_BYTES", 100)
    stored_scripts.store(results, script)
    stored_scripts.store(results, script)
    assert not stored_scripts.is_stored(script)
    assert not results.has_script(script.folder_sha256)
    assert capsys.readouterr().err.count("is not kept with the results") == 1
