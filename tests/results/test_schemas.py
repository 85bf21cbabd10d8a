"""Results of older schemas stay readable: real ones, as version 0.1.0 left them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.errors import RecordError
from harness.results import json_digest, schemas
from harness.results.reading import read_record
from harness.results.record import SCHEMA
from harness.results.scan import sweeps
from harness.results.schemas import upgraded
from harness.results.store import MACHINE_SCHEMA

SCHEMA1 = Path(__file__).parents[1] / "data" / "schema1"
OBSERVED = ("fits", "outputs", "files", "printed_sha256")
"""What only records of users' scripts say of a run."""

CELL = "co2-lstm,tf2.17.1,py3.12,cpu,threads=1"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of two real runs, as version 0.1.0 left them."""
    return Path(shutil.copytree(SCHEMA1, tmp_path / "results"))


def first(root: Path) -> Path:
    (path,) = root.glob(f"versions/*/{CELL}/1.json")
    return path


def test_records_of_schema_1_are_read_and_have_no_digest(root: Path) -> None:
    (sweep,) = sweeps(root)
    found = list(sweep.records())
    assert [(r.cell, r.repeat, r.status) for r in found] == [
        (CELL, 1, "completed"),
        (CELL, 2, "completed"),
    ]
    assert {r.schema_number for r in found} == {SCHEMA}
    assert {r.sha256 for r in found} == {None}


def test_reading_changes_nothing_that_was_measured(root: Path) -> None:
    before = json.loads(first(root).read_bytes())
    found = read_record(first(root))
    assert found is not None
    after = json.loads(found.model_dump_json(by_alias=True))
    assert after.pop("audit") == {"state": "cold side", "sentence": before["process"].pop("audit")}
    assert after.pop("program") == {"runner_sha256": before.pop("runner_sha256")}
    assert after["measured"].pop("unit") == "ppm"
    assert float.fromhex(after["measured"].pop("scale")) == pytest.approx(12.38, abs=0.01)
    assert (after.pop("code_sha256"), after.pop("consent")) == ("", [])
    assert (after.pop("script"), after["environment"].pop("requirements")) == (None, [])
    observed = [after["measured"].pop(name) for name in OBSERVED]
    assert observed == [[], [], {}, None]
    assert after["measured"].pop("trace_sha256") == ""
    assert {**after, "schema": 1} == {**before, json_digest.KEY: None}


def migrated(**changes: Any) -> dict[str, Any]:
    """What becomes of the content of a record of schema 2."""
    return upgraded({"schema": 2, **changes}, schemas.RECORD)


@pytest.mark.parametrize(
    ("sentence", "state"),
    [
        ("not asked for", "not asked for"),
        ("the cold side of an audit", "cold side"),
        ("this cell decided no audit", "undecided"),
        ("co2-lstm: the forked run left the same hashes as a cold one", "passed"),
        ("co2-lstm: forked and cold runs differ in loss", "failed"),
        ("what nobody ever wrote", "undecided"),
    ],
)
def test_sentences_on_audits_become_states(sentence: str, state: str) -> None:
    assert migrated(process={"audit": sentence})["audit"] == {"state": state, "sentence": sentence}


def test_the_import_that_a_forked_run_did_not_do_is_missing_not_zero() -> None:
    seconds = {"import": 0.0, "fit": 1.0}
    assert migrated(process={"isolation": "forked"}, seconds=seconds)["seconds"] == {"fit": 1.0}
    assert migrated(process={"isolation": "fresh"}, seconds=seconds)["seconds"] == seconds


@pytest.mark.parametrize("odd", [None, 1, "x", [], {"import": []}])
def test_content_of_the_wrong_type_is_left_to_be_refused(odd: object) -> None:
    for key in ("process", "seconds", "measured", "runner_sha256"):
        migrated(**{"process": {"isolation": "forked"}, key: odd})


def test_there_is_a_way_from_every_schema_to_the_newest() -> None:
    for steps, newest in ((schemas.RECORD, SCHEMA), (schemas.MACHINE, MACHINE_SCHEMA)):
        assert sorted(steps) == list(range(1, newest))
        for number in range(1, newest + 1):
            assert upgraded({"schema": number}, steps)["schema"] == newest


def test_a_record_of_schema_1_that_brings_a_digest_of_its_own_is_not_believed(root: Path) -> None:
    path = first(root)
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "sha256": "0" * 64}))
    found = read_record(path)
    assert found is not None and found.sha256 is None


def test_calling_a_record_of_schema_1_one_of_schema_2_is_noticed(root: Path) -> None:
    path = first(root)
    path.write_bytes(path.read_bytes().replace(b'"schema": 1', b'"schema": 2'))
    with pytest.raises(RecordError, match="its digest does not fit"):
        read_record(path)
