"""Reading results: sweeps are found, records checked, foreign files left out."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from results.made import CELL, array_files, cell, record
from results_factory import hardware

from harness.errors import RecordError, UsageError
from harness.results import fingerprint, json_digest
from harness.results.record import SCHEMA, Record
from harness.results.scan import sweeps
from harness.results.store import Store

MACHINES = {fingerprint.identify(h): h for h in (hardware(microarchitecture=name) for name in "ab")}
A, B = MACHINES


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two matrices, one of them on two machines."""
    root = tmp_path / "results"
    for matrix, name in (("one", A), ("one", B), ("two", A)):
        store = Store(root, matrix, name)
        store.write_machine(MACHINES[name])
        for repeat in (10, 9, 1):
            store.write(made_on(matrix, name, repeat=repeat), None, None)
    return root


def made_on(matrix: str, name: str, **changes: Any) -> Record:
    return record(matrix=matrix, machine=name, hardware=MACHINES[name], **changes)


def names(folder: Path) -> list[tuple[str, str]]:
    return [(sweep.matrix, sweep.machine) for sweep in sweeps(folder)]


def changed(root: Path, **changes: Any) -> Path:
    """The first record with some fields replaced in the file, and a digest that fits."""
    path = root / "one" / A / CELL / "1.json"
    path.write_bytes(json_digest.with_digest({**json.loads(path.read_bytes()), **changes}))
    return path


def read_all(folder: Path) -> None:
    for sweep in sweeps(folder):
        list(sweep.records())


def test_a_root_a_matrix_or_a_machine_can_be_named(root: Path) -> None:
    assert names(root) == [("one", A), ("one", B), ("two", A)]
    assert names(root / "one") == [("one", A), ("one", B)]
    assert names(root / "two" / A) == [("two", A)]


def test_the_current_folder_has_its_own_name(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root / "one" / A)
    assert names(Path()) == [("one", A)]


def test_records_come_sorted_by_cell_and_number(root: Path) -> None:
    (sweep,) = sweeps(root / "one" / A)
    other = cell(1)
    Store(root, "one", A).write(made_on("one", A, of=other), None, None)
    found = [(r.cell, r.repeat) for r in sweep.records()]
    assert found == [(CELL, 1), (CELL, 9), (CELL, 10), (other.id, 1)]


def test_a_folder_without_results_is_a_usage_error(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        sweeps(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"no results in here; expected.*MATRIX/MACHINE/plan"):
        sweeps(tmp_path / "empty")
    with pytest.raises(UsageError, match="no results in here"):
        sweeps(root / "one" / A / CELL)


def test_foreign_files_are_left_out_with_a_note(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = root / "one" / A
    (folder / "notes.txt").write_text("mine")
    (folder / CELL / "01.json").write_text("{}")
    (folder / CELL / "1.json.bak").write_text("{}")
    (folder / ".DS_Store").write_text("nor is this")
    (folder / "logs").mkdir()
    (folder / "logs" / "an-environment.build.log").write_text("the harness's own")
    (sweep,) = sweeps(folder)
    assert len(list(sweep.records())) == 3
    told = capsys.readouterr().err
    assert "left out files that are no records: " in told and "(3)" in told
    assert "notes.txt" in told and "1.json.bak" in told


@pytest.mark.parametrize(
    "bad", [b"", b"{", b"[]", b'{"schema": 1, "matrix": "\xff"}', b"[" * 99999]
)
def test_an_unreadable_record_is_named(root: Path, bad: bytes) -> None:
    path = root / "one" / A / CELL / "9.json"
    path.write_bytes(bad)
    with pytest.raises(RecordError) as caught:
        read_all(root)
    assert str(caught.value).startswith(f"{path}: is not ")
    assert "move the file out of the folder" in str(caught.value)


def test_another_schema_says_what_to_do(root: Path) -> None:
    path = changed(root, schema=SCHEMA + 1)
    with pytest.raises(
        RecordError, match=rf"schema {SCHEMA + 1}, .* reads {SCHEMA}; .* pip install --upgrade"
    ):
        read_all(root)
    for number in ("one", None, [1], 1.5, True, 0, -1):
        changed(root, schema=number)
        with pytest.raises(RecordError, match="no harness wrote it"):
            read_all(root)
    assert path.exists()


def test_a_field_of_the_wrong_kind_is_named(root: Path) -> None:
    changed(root, status="splendid")
    with pytest.raises(RecordError, match="is no record: status: Input should be 'completed'"):
        read_all(root)
    changed(root, status="failed", surprise=1)
    with pytest.raises(RecordError, match="is no record: surprise: Extra inputs"):
        read_all(root)


@pytest.mark.parametrize(
    "changes", [{"cell": "../x"}, {"repeat": 2}, {"matrix": "../../etc"}, {"machine": "/x"}]
)
def test_a_record_that_names_another_place_is_refused(root: Path, changes: dict[str, Any]) -> None:
    changed(root, **changes)
    with pytest.raises(RecordError, match=r"1\.json: (is the record of|has a)"):
        read_all(root)


def test_a_digest_that_is_a_path_is_refused(root: Path, tmp_path: Path) -> None:
    _, _, measured = array_files(tmp_path, 1)
    changed(root, measured={**measured.model_dump(), "weights_sha256": "../../x"})
    with pytest.raises(RecordError, match="has an invalid digest"):
        read_all(root)


def test_results_can_be_copied_and_read_elsewhere(root: Path, tmp_path: Path) -> None:
    shutil.copytree(root / "one", tmp_path / "published" / "one")
    assert names(tmp_path / "published") == [("one", A), ("one", B)]
    read_all(tmp_path / "published")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_record_without_the_right_to_read_is_named(root: Path) -> None:
    path = root / "one" / A / CELL / "1.json"
    path.chmod(0)
    with pytest.raises(RecordError, match="cannot be read: Permission denied"):
        read_all(root)
