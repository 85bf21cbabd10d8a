"""The folders of users' scripts beside their results: stored, found whole, and checked."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from results_factory import SweepOnDisk, fit, observed, part_of, script_cell, sha256

from harness.errors import RecordError
from harness.protocol.script import Script
from harness.publish.bundle import contents
from harness.results import blobs, checking
from harness.results.store import Store
from harness.studies import foreign_results
from harness.subjects import folder_archives, folder_files

CELL = script_cell()


@pytest.fixture
def on(tmp_path: Path) -> SweepOnDisk:
    return SweepOnDisk(root=tmp_path / "results", repeats=1)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "train.py").write_text("print('trains')\n")
    folder_archives.pack(tmp_path / "mine", tmp_path / "mine.tar")
    return tmp_path / "mine.tar"


def digest(archive: Path) -> str:
    with archive.open("rb") as file:
        return folder_archives.digest_of(file)


def stored(on: SweepOnDisk, archive: Path) -> Path:
    """A completed run of the script in this archive, and the archive beside it."""
    on.plan([CELL])
    script = Script(name="churn", path="train.py", module="", folder_sha256=digest(archive))
    on.write(on.script_record(CELL, 1, observed([fit("w")]), part_of(script)))
    store = Store(on.root, on.matrix, on.machine)
    store.store_script(script.folder_sha256, archive)
    return store.blob_path(blobs.SCRIPTS, script.folder_sha256)


def findings(on: SweepOnDisk) -> list[tuple[str, str]]:
    found = checking.check(on.root).findings
    return [(one.kind, one.path.parent.name) for one in found if one.path.suffix == ".tar"]


def test_a_script_is_stored_and_counted(on: SweepOnDisk, archive: Path) -> None:
    path = stored(on, archive)
    assert path.read_bytes() == archive.read_bytes()
    assert Store(on.root, on.matrix, on.machine).has_script(path.stem)
    report = checking.check(on.root, arrays=False)
    assert (report.findings, report.counts["scripts"], report.counts["unused"]) == ([], 1, 0)
    assert blobs.script_archive(path.parents[1], path.stem) == path
    assert blobs.script_archive(path.parents[1], sha256("other")) is None


def test_an_archive_of_another_folder_is_not_stored(on: SweepOnDisk, archive: Path) -> None:
    store = Store(on.root, on.matrix, on.machine)
    with pytest.raises(RecordError, match="files of a script have the digest"):
        store.store_script(sha256("folder"), archive)
    archive.write_text("no archive")
    with pytest.raises(RecordError, match="files of a script cannot be read"):
        store.store_script(sha256("folder"), archive)
    assert not store.blobs.exists() or not list(store.blobs.rglob("*.tar"))


def test_one_that_is_gone_is_missing_and_one_that_nobody_names_unused(
    on: SweepOnDisk, archive: Path
) -> None:
    path = stored(on, archive)
    path.rename(path.with_name(f"{sha256('x')}.tar"))
    assert sorted(findings(on)) == [("damaged", "scripts"), ("missing", "scripts")]
    path.with_name(f"{sha256('x')}.tar").rename(path)
    (on.folder / CELL.id / "1.json").unlink()
    report = checking.check(on.root)
    assert (report.findings, report.counts["unused"]) == ([], 1)


def test_a_byte_of_a_script_that_was_changed_is_damage(on: SweepOnDisk, archive: Path) -> None:
    path = stored(on, archive)
    data = bytearray(path.read_bytes())
    data[data.index(b"trains")] ^= 1
    path.write_bytes(data)
    assert findings(on) == [("damaged", "scripts")]
    with pytest.raises(RecordError, match=r"\.tar: damaged: its files have the digest"):
        foreign_results.opened(on.root, on.root.parent)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.REGTYPE])
def test_an_archive_that_leads_out_of_its_folder_is_damage(
    on: SweepOnDisk, archive: Path, kind: bytes
) -> None:
    path = stored(on, archive)
    entry = tarfile.TarInfo("train.py" if kind == tarfile.SYMTYPE else "../train.py")
    entry.type, entry.linkname = kind, "/etc/passwd"
    with tarfile.open(path, "w") as made:
        made.addfile(entry, io.BytesIO())
    (finding,) = (one for one in checking.check(on.root).findings if one.kind == "damaged")
    assert "holds no folder of a script" in finding.what
    path.unlink()
    path.symlink_to(archive)
    assert findings(on) == [("damaged", "scripts")]


def test_a_bundle_brings_scripts_unless_they_are_left_out(on: SweepOnDisk, archive: Path) -> None:
    path = stored(on, archive)
    lock = on.folder.parent / "locks" / "one.txt"
    lock.parent.mkdir()
    lock.write_text(f"lock {CELL.environment.id}")
    name = f"results/{on.matrix}/blobs/scripts/{path.name}"
    whole = contents.collect(on.root, lock_folders=[], arrays="none")
    assert whole.files[name] == path
    assert (whole.scripts, whole.runs[0].script_path) == (set(), name)
    without = contents.collect(on.root, lock_folders=[], arrays="none", scripts=False)
    assert name not in without.files
    assert (without.scripts, without.runs[0].script_path) == ({"train.py"}, "")
    path.unlink()
    with pytest.raises(RecordError, match=r"scripts with --without-scripts"):
        contents.collect(on.root, lock_folders=[], arrays="none")


def test_the_digest_is_that_of_the_folder(archive: Path) -> None:
    folder = archive.with_suffix("")
    files = list(folder_files.hashed(folder, folder_files.everything(folder)))
    assert digest(archive) == folder_files.digest(files)
    other = [replace(file, executable=True) for file in files]
    assert digest(archive) != folder_files.digest(other)
