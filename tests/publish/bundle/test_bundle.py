"""What a bundle holds, and that the same results give the same bytes."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import zipfile
from pathlib import Path

import bundled
import pytest
from results_factory import MACHINE, SweepOnDisk, cell
from rocrate.rocrate import ROCrate

from harness.errors import LockError, RecordError, UsageError
from harness.publish.bundle import manifest, unpacking
from harness.results import json_digest, vouchers
from harness.results.vouchers import Voucher

PLACE = f"results/quickstart/{MACHINE}"
ID = "mnist-mlp,tf2.10.0,py3.10,np1.23.5,cpu"


def unpacked(archive: Path, folder: Path) -> Path:
    folder.mkdir()
    return unpacking.opened(archive, folder).folder


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    first = bundled.bundle(bundled.results(tmp_path / "a"), tmp_path / "a.zip")
    copy = shutil.copytree(tmp_path / "a", tmp_path / "elsewhere" / "b", copy_function=shutil.copy)
    for path in copy.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    second = bundled.bundle(copy, tmp_path / "b.zip")
    assert first.read_bytes() == second.read_bytes()


def test_an_archive_has_nothing_of_the_moment_or_the_machine_in_it(tmp_path: Path) -> None:
    archive = bundled.bundle(bundled.results(tmp_path / "a"), tmp_path / "a.zip")
    with zipfile.ZipFile(archive) as found:
        entries = found.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {stat.S_IFREG | 0o644}
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert str(tmp_path).encode() not in archive.read_bytes()


def test_everything_that_is_needed_to_run_again_is_in_it(tmp_path: Path) -> None:
    archive = bundled.bundle(bundled.results(tmp_path / "a"), tmp_path / "a.zip")
    names = set(zipfile.ZipFile(archive).namelist())
    assert {
        "README.md",
        "data.json",
        "dockerfiles/cpu.Dockerfile",
        "manifest-sha256.txt",
        "matrices/quickstart.yaml",
        "ro-crate-metadata.json",
        "results/quickstart/locks/tf2.10.0,py3.10,np1.23.5,cpu.txt",
        f"{PLACE}/plan.jsonl",
        f"{PLACE}/machine.json",
        f"{PLACE}/logs/tf2.10.0.build.log",
        f"{PLACE}/{ID}/1.json",
        f"{PLACE}/{ID}/2.json",
        f"{PLACE}/{ID},threads=1/1.json",
        f"{PLACE}/{ID},threads=2/1.json",
    } == {name for name in names if "/blobs/" not in name}
    assert sum("/blobs/weights/" in name for name in names) == 2
    assert sum("/blobs/predictions/" in name for name in names) == 2


def test_vouchers_travel_with_the_records_that_they_are_of(tmp_path: Path) -> None:
    results = bundled.results(tmp_path / "a")
    made = {"lock_sha256": "l", "workload": "mnist-mlp", "old": "o", "new": "n"}
    place = results / "quickstart" / MACHINE
    vouchers.add(place, [Voucher(**made, cell=ID, repeat=1, equal=True)])
    archive = bundled.bundle(results, tmp_path / "a.zip")
    copy = unpacked(archive, tmp_path / "out") / PLACE / "vouchers.json"
    assert copy.read_bytes() == (place / "vouchers.json").read_bytes()


def test_the_manifest_is_one_that_sha256sum_checks(tmp_path: Path) -> None:
    archive = bundled.bundle(bundled.results(tmp_path / "a"), tmp_path / "a.zip")
    folder = unpacked(archive, tmp_path / "out")
    done = subprocess.run(
        ["sha256sum", "--check", manifest.NAME],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": OK") == len(list(zipfile.ZipFile(archive).namelist())) - 1


def test_the_bundle_is_a_research_object_crate(tmp_path: Path) -> None:
    folder = bundled.results(tmp_path / "a")
    made = bundled.prepared(
        folder, licence="https://creativecommons.org/licenses/by/4.0/", authors=("Ada", "Bob")
    )
    made.write(tmp_path / "a.zip")
    out = unpacked(tmp_path / "a.zip", tmp_path / "out")
    crate = ROCrate(out)
    # What RO-Crate 1.1 requires of the root and of the file that describes it.
    graph = {
        entity["@id"]: entity
        for entity in json.loads((out / "ro-crate-metadata.json").read_text())["@graph"]
    }
    described = graph["ro-crate-metadata.json"]
    assert described["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert described["about"] == {"@id": "./"}
    assert graph["./"]["@type"] == "Dataset"
    assert graph["./"]["datePublished"] == "2024-05-01T12:00:00+00:00"
    assert crate.name == "Training reproducibility: quickstart"
    assert "4 recorded trainings on 1 machine" in crate.description
    assert crate.license["@id"] == "https://creativecommons.org/licenses/by/4.0/"
    assert [author["name"] for author in crate.root_dataset["author"]] == ["Ada", "Bob"]
    parts = [part.id for part in crate.root_dataset["hasPart"]]
    assert f"{PLACE}/" in parts
    for entity in crate.data_entities:
        place = out / entity["name"]
        assert place.is_dir() if entity.type == "Dataset" else place.is_file(), entity.id


def test_a_licence_that_is_no_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--license 'MIT' is no URL"):
        bundled.prepared(bundled.results(tmp_path / "a"), licence="MIT")


def test_a_missing_lock_is_named_and_taken_from_where_it_is(tmp_path: Path) -> None:
    folder = bundled.results(tmp_path / "a")
    locks = folder / "quickstart" / "locks"
    locks.rename(tmp_path / "own")
    with pytest.raises(LockError, match=r"tf2\.10\.0,py3\.10,np1\.23\.5,cpu \([0-9a-f]{12}…\)"):
        bundled.prepared(folder)
    made = bundled.prepared(folder, lock_folders=[tmp_path / "own"])
    assert "results/quickstart/locks/tf2.10.0,py3.10,np1.23.5,cpu.txt" in made.files


def test_a_missing_array_is_named_and_all_can_be_left_out(tmp_path: Path) -> None:
    folder = bundled.results(tmp_path / "a")
    gone = next((folder / "quickstart" / "blobs" / "weights").iterdir())
    gone.unlink()
    with pytest.raises(RecordError, match=gone.name):
        bundled.prepared(folder)
    made = bundled.prepared(folder, arrays="none")
    assert not [path for path in made.files if "/blobs/" in path]
    assert b"# arrays: none\n" in made.manifest


@pytest.mark.parametrize("what", ["blobs/weights/*.npz", "zen4*/*/1.json", "zen4*/plan.jsonl"])
def test_what_is_damaged_is_not_bundled(tmp_path: Path, what: str) -> None:
    folder = bundled.results(tmp_path / "a")
    path = next((folder / "quickstart").glob(what))
    path.write_bytes(path.read_bytes()[:-20] + b"0" * 20)
    with pytest.raises(RecordError, match=path.name):
        bundled.bundle(folder, tmp_path / "a.zip")
    assert not (tmp_path / "a.zip").exists()


def test_a_file_that_changes_meanwhile_stops_the_writing(tmp_path: Path) -> None:
    made = bundled.prepared(bundled.results(tmp_path / "a"))
    target = tmp_path / "a.zip"
    target.write_text("an older bundle")
    log = tmp_path / "a" / "quickstart" / MACHINE / "logs" / "tf2.10.0.build.log"
    log.write_text("else\n")
    with pytest.raises(RecordError, match=r"tf2\.10\.0\.build\.log: changed"):
        made.write(target)
    assert target.read_text() == "an older bundle"
    assert [path.name for path in tmp_path.iterdir() if path.name != "a"] == ["a.zip"]


def test_names_that_a_stranger_chose_lead_nowhere(tmp_path: Path) -> None:
    folder = bundled.results(tmp_path / "a")
    for path in folder.glob("*/zen4*/*/1.json"):
        record = json.loads(path.read_text())
        record["environment"]["id"] = "../../../x"
        path.write_bytes(json_digest.with_digest(record))
    with pytest.raises(RecordError, match=r"called '\.\./\.\./\.\./x'"):
        bundled.prepared(folder)
    folder = bundled.results(tmp_path / "b")
    (folder / "quickstart").rename(folder / "quick\nstart")
    with pytest.raises(RecordError, match="is not allowed: it could lie outside, or hide"):
        bundled.prepared(folder)


def test_nothing_recorded_is_nothing_to_bundle(tmp_path: Path) -> None:
    SweepOnDisk(root=tmp_path / "a").plan([cell()])
    with pytest.raises(UsageError, match="nothing to bundle"):
        bundled.prepared(tmp_path / "a")
