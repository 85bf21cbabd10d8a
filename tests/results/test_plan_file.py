"""The plan: written and read as a stream, refused line by line."""

from __future__ import annotations

import hashlib
import json
import os
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import RecordError
from harness.matrix.cells import DEFAULTS, SETTING_AXES, Cell
from harness.matrix.claim import Claim, Expectation
from harness.matrix.environment import Environment
from harness.matrix.matrix import Matrix
from harness.results import plan_file

ENVIRONMENT = Environment(python="3.10", tensorflow="2.10.0", numpy="1.23.5")
SOURCE = "schema: 1\nname: tiny  # ä\n"
MATRIX = Matrix(
    name="tiny",
    description="",
    blocks=(),
    exclude=(),
    consents={},
    repeats=3,
    source=SOURCE,
    sha256="0" * 64,
)


def cell(**settings: object) -> Cell:
    values = tuple(settings.get(axis.name, axis.default) for axis in SETTING_AXES)
    return Cell(environment=ENVIRONMENT, values=values)  # type: ignore[arg-type]


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.jsonl"
    excluded = Cell(
        environment=ENVIRONMENT, values=cell().values, status="excluded", reason="too slow"
    )
    cells = [cell(threads=1, env=(("A", "b"),)), excluded]
    plan_file.write(path, matrix=MATRIX, machine="zen4-2cpu-1", cells=cells)
    return path


def test_a_plan_comes_back_as_it_was_written(plan: Path) -> None:
    header, cells = plan_file.read(plan)
    assert (header.matrix, header.machine, header.repeats) == ("tiny", "zen4-2cpu-1", 3)
    assert header.source == SOURCE
    assert set(header.defaults) == set(DEFAULTS) and header.defaults["env"] == {}
    first, second = cells
    assert first.environment == ENVIRONMENT
    assert first.settings == {"threads": 1, "env": {"A": "b"}}
    assert first.id == cell(threads=1, env=(("A", "b"),)).id
    assert (second.status, second.reason, second.settings) == ("excluded", "too slow", {})


CLAIMS = (
    Claim(
        id="one",
        says="ä",
        source="here",
        where={"threads": (1, 2), "env": ((("A", "b"),),), "tensorflow": ("2.1*",)},
        expect=Expectation(kind="different", over="threads"),
    ),
    Claim(
        id="two",
        says="b",
        source="",
        where={},
        expect=Expectation(
            kind="divided", stable_with={"seeding": ("all",)}, unstable_with={"seeding": ("tf",)}
        ),
    ),
)


def test_claims_come_back_and_without_any_the_plan_is_as_ever(plan: Path, tmp_path: Path) -> None:
    path = tmp_path / "claims.jsonl"
    plan_file.write(path, matrix=replace(MATRIX, claims=CLAIMS), machine="m", cells=[cell()])
    assert plan_file.read(path)[0].claims == CLAIMS
    assert plan_file.read(plan)[0].claims == ()
    assert b"claims" not in plan.read_bytes()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"claims": [', b'"claims": [5, '),
        (b'"kind": "divided"', b'"kind": "true"'),
        (b'"says": "b"', b'"says": 5'),
        (b'"where": {}', b'"where": {"threads": 5}'),
        (b'"where": {}', b'"where": {"threads": [[[]]]}'),
        (b'"where": {}', b'"where": {}, "more": 1'),
        (b'"over": "threads"', b'"over": null'),
    ],
)
def test_claims_that_are_none_make_a_plan_unusable(tmp_path: Path, old: bytes, new: bytes) -> None:
    path = tmp_path / "claims.jsonl"
    plan_file.write(path, matrix=replace(MATRIX, claims=CLAIMS), machine="m", cells=[cell()])
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    with pytest.raises(RecordError, match=r":1: is no header of a plan"):
        plan_file.read(path)


def test_packages_and_parameters_of_a_script_come_back(tmp_path: Path) -> None:
    environment = replace(ENVIRONMENT, requirements=("pandas==2.2.2", "scikit-learn"))
    values = cell(workload="churn", parameters=(("workers", "4"),)).values
    script = Cell(environment=environment, values=values)
    plan_file.write(tmp_path / "plan.jsonl", matrix=MATRIX, machine="m", cells=[script, cell()])
    _, cells = plan_file.read(tmp_path / "plan.jsonl")
    found, plain = cells
    assert (found.environment, found.id) == (environment, script.id)
    assert found.settings == {"workload": "churn", "parameters": {"workers": "4"}}
    assert plain.environment == ENVIRONMENT


def test_each_line_is_plain_json(plan: Path) -> None:
    header, *cells, seal = (json.loads(line) for line in plan.read_text("utf-8").splitlines())
    assert header["schema"] == plan_file.SCHEMA
    assert set(cells[0]) == {"id", "environment", "settings", "status", "reason"}
    before = plan.read_bytes().rpartition(b'{"cells"')[0]
    assert seal == {"cells": 2, "sha256": hashlib.sha256(before).hexdigest()}


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_a_plan_that_was_cut_off_is_noticed(plan: Path, kept: int) -> None:
    plan.write_bytes(b"".join(plan.read_bytes().splitlines(keepends=True)[:kept]))
    _, cells = plan_file.read(plan)
    with pytest.raises(RecordError, match=rf"plan\.jsonl:{kept}: the plan is cut off here"):
        list(cells)


@pytest.mark.parametrize(
    ("old", "new"),
    [("too slow", "too fast"), ('"repeats": 3', '"repeats": 2'), ('"cells": 2', '"cells": 3')],
)
def test_a_changed_plan_is_noticed(plan: Path, old: str, new: str) -> None:
    plan.write_text(plan.read_text("utf-8").replace(old, new), "utf-8")
    _, cells = plan_file.read(plan)
    with pytest.raises(RecordError, match=r"plan\.jsonl:4: the plan was changed"):
        list(cells)


def test_nothing_follows_the_seal(plan: Path) -> None:
    with plan.open("a") as file:
        file.write("{}\n")
    with pytest.raises(RecordError, match=r"plan\.jsonl:4: the plan was changed"):
        list(plan_file.read(plan)[1])


def test_a_plan_of_schema_1_is_read_without_a_seal(plan: Path) -> None:
    header, *cells, _ = plan.read_text("utf-8").splitlines(keepends=True)
    plan.write_text("".join([header.replace('"schema": 2', '"schema": 1'), *cells]), "utf-8")
    assert len(list(plan_file.read(plan)[1])) == 2


def test_a_plan_of_schema_1_is_written_up(plan: Path) -> None:
    today = plan.read_bytes()
    *lines, _ = today.replace(b'"schema": 2', b'"schema": 1').splitlines(keepends=True)
    plan.write_bytes(b"".join(lines))
    assert plan_file.migrate(plan)
    assert plan.read_bytes() == today
    assert not plan_file.migrate(plan)


@pytest.mark.parametrize(
    "change",
    [
        {"repeats": 10**9},
        {"repeats": True},
        {"source": None},
        {"matrix": 5},
        {"machine": "../x"},
        {"defaults": {"threads": [[]]}},
        {"defaults": {"env": {"A": 1}}},
    ],
)
def test_a_header_with_impossible_values_is_refused(plan: Path, change: dict[str, object]) -> None:
    header, *rest = plan.read_bytes().splitlines(keepends=True)
    changed = json.dumps({**json.loads(header), **change}).encode() + b"\n"
    plan.write_bytes(b"".join([changed, *rest]))
    with pytest.raises(RecordError, match=r"plan\.jsonl:1: is no header of a plan"):
        plan_file.read(plan)


def test_a_pipe_in_the_place_of_a_plan_is_not_waited_for(plan: Path) -> None:
    plan.unlink()
    os.mkfifo(plan)
    with pytest.raises(RecordError, match=r"plan\.jsonl: is not a regular file"):
        plan_file.read(plan)


@pytest.mark.slow
def test_writing_and_reading_do_not_hold_the_cells(tmp_path: Path) -> None:
    def many() -> Iterator[Cell]:
        for seed in range(20_000):
            yield cell(seed=seed)

    path = tmp_path / "plan.jsonl"
    tracemalloc.start()
    plan_file.write(path, matrix=MATRIX, machine="m", cells=many())
    _, cells = plan_file.read(path)
    assert sum(1 for _ in cells) == 20_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 3 << 20
    assert peak < 2 << 20


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{", "is not valid JSON"),
        ("[]", "is not a JSON object"),
        ("{}", "is no cell"),
        ('{"id": "../x", "environment": {"python": "3.10", "tensorflow": "2.10.0"}, '
         '"settings": {}, "status": null, "reason": ""}', "is no cell"),
        ('{"id": "x", "environment": {"python": "3.10", "tensorflow": "2.10.0"}, '
         '"settings": {}, "status": "done", "reason": ""}', "is no cell"),
        ('{"id": 5, "environment": {"python": [], "tensorflow": "2.10.0"}, '
         '"settings": {}, "status": "done", "reason": ""}', "is no cell"),
        ('{"id": "x", "environment": {"python": 5, "tensorflow": "2.10.0"}, '
         '"settings": {}, "status": null, "reason": ""}', "is no cell"),
        ('{"id": "x", "environment": {"python": "3.10", "tensorflow": "2.10.0"}, '
         '"settings": {"threads": [1]}, "status": null, "reason": ""}', "is no cell"),
        ('{"id": "x", "environment": {"python": "3.10", "tensorflow": "2.10.0"}, '
         '"settings": {}, "status": null, "reason": []}', "is no cell"),
        ('{"id": 5, "environment": {"python": "3.10", "tensorflow": "2.10.0"}, '
         '"settings": {}, "status": null, "reason": ""}', "is no cell"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named(plan: Path, line: str, what: str) -> None:
    lines = plan.read_text("utf-8").splitlines(keepends=True)
    plan.write_text("".join([*lines[:3], line + "\n", lines[3]]), "utf-8")
    _, cells = plan_file.read(plan)
    with pytest.raises(RecordError, match=rf"plan\.jsonl:4: {what}"):
        list(cells)


@pytest.mark.parametrize("line", ["", "5", '{"schema": 1}', '{"schema": 2}', "\x00"])
def test_a_bad_header_is_named(plan: Path, line: str) -> None:
    plan.write_text(line)
    with pytest.raises(RecordError, match=r"plan\.jsonl"):
        plan_file.read(plan)


def test_a_plan_that_fails_half_way_leaves_the_old_one(plan: Path) -> None:
    before = plan.read_bytes()

    def failing() -> Iterator[Cell]:
        yield cell()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plan_file.write(plan, matrix=MATRIX, machine="m", cells=failing())
    assert plan.read_bytes() == before
    assert list((plan.parent / ".partial").iterdir()) == []
