"""Writing results of schema 1 up: everything stays readable, equal, and whole at any moment."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from harness.errors import RecordError, UsageError
from harness.results import checking, migration, plan_file
from harness.results.record import SCHEMA, Record
from harness.results.scan import sweeps
from harness.results.store import Store
from results import made

SCHEMA1 = Path(__file__).parents[1] / "data" / "schema1"
STEPS = 25


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SCHEMA1, tmp_path / "results"))


def records(root: Path) -> list[Record]:
    (sweep,) = sweeps(root)
    return [record.model_copy(update={"sha256": None}) for record in sweep.records()]


def files(root: Path) -> dict[str, bytes]:
    found = (path for path in root.rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in found if path.name[0] != "."}


def test_everything_is_of_todays_schema_afterwards_and_says_the_same(root: Path) -> None:
    before = records(root)
    assert migration.migrate(root) == {"plans": 1, "machines": 1, "records": 2}
    assert records(root) == before
    report = checking.check(root)
    assert report.findings == [] and report.counts["unvouched"] == 0
    for path in root.glob("*/*/*/[12].json"):
        assert json.loads(path.read_bytes())["schema"] == SCHEMA
    (plan,) = root.glob("*/*/plan.jsonl")
    assert json.loads(plan.read_bytes().splitlines()[0])["schema"] == plan_file.SCHEMA


def test_doing_it_twice_changes_nothing_more(root: Path) -> None:
    migration.migrate(root)
    before = files(root)
    assert not migration.migrate(root).total()
    assert files(root) == before


def test_the_records_that_were_there_stay_beside_the_new_ones(root: Path) -> None:
    before = {path.read_bytes() for path in root.glob("*/*/*/[12].json")}
    migration.migrate(root)
    assert before <= {path.read_bytes() for path in root.glob("*/*/*/*.superseded-*.json")}


def test_a_damaged_record_is_named_and_left_as_it_is(root: Path) -> None:
    (path,) = root.glob("*/*/*/2.json")
    path.write_bytes(b"{")
    with pytest.raises(RecordError, match=r"2\.json: is not valid JSON"):
        migration.migrate(root)
    assert path.read_bytes() == b"{"


def test_results_of_a_running_sweep_are_left_alone(root: Path) -> None:
    (sweep,) = sweeps(root)
    with (
        Store(root, sweep.matrix, sweep.machine).lock(),
        pytest.raises(UsageError, match="another sweep is running here"),
    ):
        migration.migrate(root)


@pytest.mark.slow
def test_kill_9_at_any_step_loses_no_record(tmp_path: Path) -> None:
    expected = records(SCHEMA1)
    for steps in sorted(random.Random(4).sample(range(1, 400), STEPS)):
        root = Path(shutil.copytree(SCHEMA1, tmp_path / str(steps)))
        made.killed_within(lambda root=root: migration.migrate(root), steps)  # type: ignore[misc]
        assert records(root) == expected
        migration.migrate(root)
        assert records(root) == expected
        assert checking.check(root).findings == []
