"""Checking a results folder: whatever was changed, lost or put there is named, all at once."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from results.made import CELL, HARDWARE, MACHINE, MATRIX, array_files, completed, record

from harness.errors import RecordError, UsageError
from harness.results import checking, durable, json_digest, plan_file, scan, vouchers
from harness.results.store import Store
from harness.results.vouchers import Voucher

SCHEMA1 = Path(__file__).parents[1] / "data" / "schema1"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A sweep of two runs with arrays, one of them superseded, a third that failed, and a lock."""
    root = tmp_path / "results"
    store = Store(root, MATRIX, MACHINE)
    store.write_machine(HARDWARE)
    lock = b"# schema: 1\n"
    durable.write(
        root / MATRIX / "locks" / "tf2.15.1.txt", [lock], partial=root / MATRIX / ".partial"
    )
    environment = record().environment.model_copy(update={"lock_sha256": _sha256(lock)})
    for number in (1, 2, 2):
        weights, predictions, measured = array_files(tmp_path / "arrays", number)
        started = f"2030-01-01T00:00:0{len(list(root.rglob('*.json')))}+00:00"
        done = completed(measured, repeat=number, environment=environment, started=started)
        store.write(done, weights, predictions)
    store.write(record(repeat=3, environment=environment), None, None)
    plan_file.replace(store.plan_path, [json.dumps(_HEADER).encode() + b"\n"])
    return root


_HEADER = {
    "schema": plan_file.SCHEMA,
    "matrix": MATRIX,
    "machine": MACHINE,
    "repeats": 2,
    "matrix_sha256": "0" * 64,
    "source": "",
    "defaults": {},
}


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def problems(folder: Path) -> list[tuple[str, str]]:
    """What is wrong, as kind and path below the results folder."""
    found = checking.check(folder).findings
    assert found == sorted(found)
    return [(finding.kind, str(finding.path).rpartition("/results/")[2]) for finding in found]


def sweep(root: Path) -> Path:
    return root / MATRIX / MACHINE


def array(root: Path, kind: str) -> Path:
    return sorted((root / MATRIX / "blobs" / kind).iterdir())[0]


def test_what_was_written_is_in_order_and_counted(root: Path) -> None:
    report = checking.check(root)
    assert report.findings == []
    assert report.counts["records"] == 3
    assert report.counts["superseded"] == 1
    assert report.counts["arrays"] == 4
    assert report.counts["locks"] == 1
    assert report.counts["unvouched"] == report.counts["unused"] == 0


def test_a_matrix_or_one_sweep_can_be_checked_alone(root: Path) -> None:
    for folder in (root / MATRIX, sweep(root)):
        report = checking.check(folder)
        assert report.findings == [] and report.counts["records"] == 3
        assert report.counts["arrays"] == 4


def test_every_file_is_guarded(root: Path, tmp_path: Path) -> None:
    """One byte changed in the middle of any file, in turn, is always noticed."""
    files = [path for path in root.rglob("*") if path.is_file() and path.name[0] != "."]
    assert len(files) == 11
    for path in files:
        before = path.read_bytes()
        middle = len(before) // 2
        path.write_bytes(before[:middle] + bytes([before[middle] ^ 1]) + before[middle + 1 :])
        found = checking.check(root).findings
        assert found, path
        assert {finding.kind for finding in found} <= {"damaged", "missing"}
        path.write_bytes(before)
    assert checking.check(root).findings == []


def test_every_file_that_is_cut_in_half_is_noticed(root: Path) -> None:
    for path in [path for path in root.rglob("*") if path.is_file() and path.name[0] != "."]:
        before = path.read_bytes()
        path.write_bytes(before[: len(before) // 2])
        assert checking.check(root).findings, path
        path.write_bytes(before)


def test_vouchers_belong_to_a_sweep_and_are_read(root: Path) -> None:
    made = {"lock_sha256": "l", "workload": "mnist-mlp", "old": "o", "new": "n"}
    vouchers.add(sweep(root), [Voucher(**made, cell=CELL, repeat=1, equal=True)])
    assert problems(root) == []
    path = sweep(root) / "vouchers.json"
    written = path.read_bytes()
    for old, new in ((b"equal", b"eqoal"), (b"true", b"false"), (b'"old": "o"', b'"old": "p"')):
        assert old in written
        path.write_bytes(written.replace(old, new))
        assert problems(root) == [("damaged", f"{MATRIX}/{MACHINE}/vouchers.json")], old


def test_all_problems_are_named_at_once(root: Path) -> None:
    weights, predictions = array(root, "weights"), array(root, "predictions")
    weights.unlink()
    predictions.write_bytes(weights.name.encode())
    path = sweep(root) / CELL / "3.json"
    path.write_text(path.read_text().replace("ValueError", "TypeError"))
    (sweep(root) / "notes.txt").write_text("mine")
    (sweep(root) / CELL / "1.json.bak").write_text("{}")
    (root / MATRIX / "blobs" / "weights" / "model.h5").write_text("")
    (root / "stray.csv").write_text("")
    (root / "README.md").write_text("for people")
    (sweep(root) / "machine.json").unlink()
    assert problems(root) == [
        ("damaged", f"{MATRIX}/blobs/predictions/{predictions.name}"),
        ("missing", f"{MATRIX}/blobs/weights/{weights.name}"),
        ("foreign", f"{MATRIX}/blobs/weights/model.h5"),
        ("missing", f"{MATRIX}/{MACHINE}/machine.json"),
        ("foreign", f"{MATRIX}/{MACHINE}/{CELL}/1.json.bak"),
        ("damaged", f"{MATRIX}/{MACHINE}/{CELL}/3.json"),
        ("foreign", f"{MATRIX}/{MACHINE}/notes.txt"),
        ("foreign", "stray.csv"),
    ]


def test_arrays_under_the_name_of_others_are_noticed(root: Path) -> None:
    one, other = sorted((root / MATRIX / "blobs" / "weights").iterdir())
    shutil.copy(one, other)
    assert problems(root) == [("damaged", f"{MATRIX}/blobs/weights/{other.name}")]


def test_a_lock_that_was_changed_is_missing(root: Path) -> None:
    (root / MATRIX / "locks" / "tf2.15.1.txt").write_text("# schema: 1\n# by hand\n")
    assert problems(root) == [("missing", f"{MATRIX}/locks")]


def test_records_that_came_without_their_arrays_are_one_problem(root: Path) -> None:
    shutil.rmtree(root / MATRIX / "blobs")
    (finding,) = checking.check(root).findings
    assert (finding.kind, finding.path.name) == ("missing", "blobs")
    assert "records name 4; copy this folder, too" in finding.what


def test_arrays_that_no_record_names_are_counted_and_guarded(root: Path) -> None:
    (sweep(root) / CELL / "1.json").unlink()
    assert checking.check(root).counts["unused"] == 2
    for path in (root / MATRIX / "blobs" / "weights").iterdir():
        path.write_bytes(b"rot")
    assert [kind for kind, _ in problems(root)] == ["damaged", "damaged"]


def test_a_sweep_under_another_name_is_told_once(root: Path) -> None:
    sweep(root).rename(root / MATRIX / "another-machine")
    found = checking.check(root).findings
    assert [finding.path.name for finding in found] == ["another-machine", "machine.json"]
    assert re.search(rf"3 records of {MATRIX}/\S+; name it so", found[0].what)


def test_a_link_to_a_device_is_not_followed_for_ever(root: Path) -> None:
    (sweep(root) / CELL / "3.json").unlink()
    (sweep(root) / CELL / "3.json").symlink_to("/dev/zero")
    os.mkfifo(sweep(root) / CELL / "4.json")
    weights = array(root, "weights")
    weights.unlink()
    os.mkfifo(weights)
    assert [kind for kind, _ in problems(root)] == ["damaged", "foreign", "foreign"]


def test_a_publication_is_checked_by_the_results_in_it(root: Path) -> None:
    published = root.parent / "published"
    shutil.copytree(root, published / "results")
    (published / "index.html").write_text("<html>")
    shutil.rmtree(published / "results" / MATRIX / "blobs")
    found = checking.check(published)
    assert found.findings == []
    assert found.counts["records"] == 3
    assert found.counts["arrays"] == 0 and found.counts["left out"] == 4


def test_arrays_may_be_left_out_if_that_is_said(root: Path) -> None:
    array(root, "predictions").unlink()
    assert [kind for kind, _ in problems(root)] == ["missing"]
    found = checking.check(root, arrays=False)
    assert found.findings == []
    assert found.counts["arrays"] == 3 and found.counts["left out"] == 1
    weights = array(root, "weights")
    weights.write_bytes(weights.read_bytes()[:-1])
    assert [one.kind for one in checking.check(root, arrays=False).findings] == ["damaged"]


def test_a_folder_without_results_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no results in here"):
        checking.check(tmp_path)


def test_real_results_of_schema_1_are_in_order_but_nothing_vouches_for_them() -> None:
    report = checking.check(SCHEMA1)
    assert report.findings == []
    assert report.counts["records"] == report.counts["unvouched"] == 2
    assert (report.counts["superseded"], report.counts["arrays"]) == (2, 2)


def test_the_digest_of_a_machine_is_checked(root: Path) -> None:
    path = sweep(root) / "machine.json"
    path.write_bytes(path.read_bytes().replace(b"EPYC", b"XEON"))
    (finding,) = checking.check(root).findings
    assert finding.kind == "damaged" and finding.what.startswith("was changed after")
    path.write_bytes(json_digest.with_digest({"schema": 99, "id": MACHINE}))
    (finding,) = checking.check(root).findings
    assert "pip install --upgrade" in finding.what


def test_progress_is_told_file_by_file(root: Path) -> None:
    seen: list[None] = []
    checking.check(root, lambda: seen.append(None))
    assert len(seen) == 8 <= checking.count(root)


def test_reading_stops_where_checking_goes_on(root: Path) -> None:
    for name in ("1.json", "3.json"):
        (sweep(root) / CELL / name).write_text("{")
    with pytest.raises(RecordError, match=r"1\.json: is not valid JSON"):
        list(scan.sweeps(root)[0].records())
    assert len(problems(root)) == 2
