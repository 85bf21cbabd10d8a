"""Scripts that results bring, and the data that they do not bring."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from results_factory import sha256

from harness.errors import DataError, RecordError
from harness.protocol.script import DataFile, Script
from harness.results.store import Store
from harness.studies import foreign_scripts
from harness.studies.foreign_scripts import Scripts
from harness.subjects import folder_archives, snapshots

ROWS = b"1,2\n"
DATA = DataFile(target="data/rows.csv", sha256=hashlib.sha256(ROWS).hexdigest())


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Script:
    """A script whose folder lies with the results of the matrix `m`, and not in the cache."""
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train.py").write_text("x = 1\n")
    archive = tmp_path / "a.tar"
    folder_archives.pack(tmp_path / "mine", archive)
    with archive.open("rb") as file:
        digest = folder_archives.digest_of(file)
    Store(tmp_path / "results", "m", "zen4-2cpu").store_script(digest, archive)
    return Script(name="churn", path="train.py", module="", folder_sha256=digest, data=(DATA,))


def scripts(tmp_path: Path, *data: Path) -> Scripts:
    return foreign_scripts.gathered({"m": tmp_path / "results" / "m"}, data)


def test_data_are_found_by_their_digest_in_files_that_are_named_or_in_the_cache(
    script: Script, tmp_path: Path
) -> None:
    said = scripts(tmp_path).obstacle("m", script)
    assert f"data/rows.csv has SHA-256 {DATA.sha256}" in said and "--data FILE" in said
    (tmp_path / "any name").write_bytes(ROWS)
    given = scripts(tmp_path, tmp_path / "any name")
    assert given.obstacle("m", script) == ""
    given.bring("m", script)
    assert (snapshots.folder_of(script) / "train.py").read_text() == "x = 1\n"
    assert snapshots.file_of(DATA).read_bytes() == ROWS
    assert scripts(tmp_path).obstacle("m", script) == ""


def test_other_bytes_are_not_taken_and_it_is_said(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.csv").write_bytes(ROWS + b"3\n")
    given = scripts(tmp_path, tmp_path / "rows.csv")
    assert "--data FILE" in given.obstacle("m", script)
    given.note_unasked([script, None])
    assert "rows.csv: no script asks for a file with SHA-256" in capsys.readouterr().err
    with pytest.raises(DataError, match=r"nowhere\.csv: cannot be read"):
        scripts(tmp_path, tmp_path / "nowhere.csv")


def test_a_script_that_is_nowhere_is_named(script: Script, tmp_path: Path) -> None:
    other = replace(script, folder_sha256=sha256("other"))
    said = scripts(tmp_path).obstacle("m", other)
    assert said.startswith("the script train.py (churn) (")
    assert said.endswith("is not with the results, and was never copied here; run its matrix")


def test_a_copy_in_the_cache_serves_where_results_bring_none(
    script: Script, tmp_path: Path
) -> None:
    plain = replace(script, data=())
    scripts(tmp_path).bring("m", plain)
    (tmp_path / "empty").mkdir()
    assert foreign_scripts.gathered({"m": tmp_path / "empty"}, []).obstacle("m", plain) == ""


def test_an_archive_that_was_changed_is_not_unpacked(script: Script, tmp_path: Path) -> None:
    (path,) = (tmp_path / "results").rglob("*.tar")
    data = bytearray(path.read_bytes())
    data[data.index(b"x = 1")] ^= 1
    path.write_bytes(data)
    with pytest.raises(RecordError, match="its files have the digest"):
        scripts(tmp_path).bring("m", replace(script, data=()))
    assert not snapshots.folder_of(script).exists()
    path.unlink()
    with pytest.raises(RecordError, match="is gone; copy it there again"):
        scripts(tmp_path).bring("m", replace(script, data=()))
