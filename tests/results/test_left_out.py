"""A results folder that leaves arrays out says so; what it does not say is missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import bundled
import pytest
from commands import harness as program

from harness.errors import RecordError, UsageError
from harness.results import blobs, checking, json_digest, left_out, migration
from harness.results.store import Store

SCHEMA1 = Path(__file__).parents[1] / "data" / "schema1"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return bundled.results(tmp_path / "results")


def test_what_is_said_to_be_left_out_is_not_missing(root: Path) -> None:
    assert migration.leave_out(root, ["predictions"]) == 2
    report = checking.check(root)
    assert report.findings == []
    assert (report.counts["arrays"], report.counts["left out"]) == (2, 2)
    assert left_out.read(root / "quickstart" / "blobs") == {"predictions"}


def test_other_arrays_are_still_missing_and_what_is_there_is_still_checked(root: Path) -> None:
    migration.leave_out(root, ["predictions"])
    one, other = sorted((root / "quickstart" / "blobs" / "weights").iterdir())
    one.unlink()
    other.write_bytes(other.read_bytes()[:-1])
    assert sorted(finding.kind for finding in checking.check(root).findings) == [
        "damaged",
        "missing",
    ]


def test_one_kind_after_the_other_can_be_left_out(root: Path) -> None:
    assert [migration.leave_out(root, [kind]) for kind in blobs.KINDS] == [2, 2, 0]
    assert checking.check(root).counts["left out"] == 4


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        json_digest.text({"schema": 1, "kinds": ["predictions"]}),
        json_digest.with_digest({"schema": 1, "kinds": ["everything"]}),
        json_digest.with_digest({"schema": 1, "kinds": "predictions"}),
        json_digest.with_digest({"schema": 2, "kinds": ["predictions"]}),
    ],
)
def test_a_damaged_declaration_declares_nothing(root: Path, content: bytes) -> None:
    blobs = root / "quickstart" / "blobs"
    shutil.rmtree(blobs / "predictions")
    (blobs / left_out.FILE).write_bytes(content)
    kinds = sorted(finding.kind for finding in checking.check(root).findings)
    assert kinds == ["damaged", "missing", "missing"]
    with pytest.raises(RecordError, match=r"left-out\.json"):
        left_out.read(blobs)


def test_a_running_sweep_keeps_its_arrays(root: Path) -> None:
    (sweep,) = (path for path in (root / "quickstart").iterdir() if path.name.startswith("zen4"))
    with (
        Store(root, "quickstart", sweep.name).lock(),
        pytest.raises(UsageError, match="another sweep is running here"),
    ):
        migration.leave_out(root, ["weights"])
    assert checking.check(root).findings == []


@pytest.mark.slow
def test_results_for_version_control_have_no_copies_and_no_predictions(tmp_path: Path) -> None:
    root = Path(shutil.copytree(SCHEMA1, tmp_path / "results"))
    for path in root.glob("*/*/*/*.superseded-*.json"):
        path.unlink()
    done = program("migrate", root, "--replace", "--leave-out", "predictions")
    assert done.code == 0
    assert done.out == f"{root}: 1 arrays removed, 1 machines, 1 plans, 2 records\n"
    assert not list(root.rglob("*.superseded-*"))
    assert not list(root.rglob("predictions/*"))
    checked = program("check", root)
    assert checked.code == 0, checked.err
    assert "1 arrays are left out" in checked.out
    again = program("migrate", root)
    assert again.out == f"{root}: everything is in the schema of today\n"
