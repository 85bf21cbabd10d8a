"""The plan: written and read as a stream, refused line by line."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import RecordError
from harness.matrix.cells import DEFAULTS, SETTING_AXES, Cell
from harness.matrix.environment import Environment
from harness.matrix.matrix import Matrix
from harness.results import plan_file

ENVIRONMENT = Environment(python="3.10", tensorflow="2.10.0", numpy="1.23.5")
SOURCE = "schema: 1\nname: tiny  # ä\n"
MATRIX = Matrix(
    name="tiny", description="", blocks=(), exclude=(), repeats=3, source=SOURCE, sha256="0" * 64
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


def test_each_line_is_plain_json(plan: Path) -> None:
    header, *cells = (json.loads(line) for line in plan.read_text("utf-8").splitlines())
    assert header["schema"] == 1
    assert set(cells[0]) == {"id", "environment", "settings", "status", "reason"}


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
        ('{"id": 5, "environment": {"python": "3.10", "tensorflow": "2.10.0"}, '
         '"settings": {}, "status": null, "reason": ""}', "is no cell"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named(plan: Path, line: str, what: str) -> None:
    with plan.open("a") as file:
        file.write(line + "\n")
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
