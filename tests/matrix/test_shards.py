"""Shards: disjoint, complete, and the same whatever else stands in the matrix."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.matrix import cells, reading, shards
from harness.matrix.cells import Cell, cell_variables
from harness.matrix.shards import Shard

ROOT = Path(__file__).parents[2]
SHIPPED = ["quickstart", "cpu", "reference", "hardware", "gpu"]


def cells_in(source: str, tmp_path: Path) -> list[Cell]:
    path = tmp_path / "m.yaml"
    path.write_text(source)
    return list(cells.cells(reading.read(path)))


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("count", [1, 2, 3, 16, 97])
def test_shards_are_disjoint_and_complete(name: str, count: int) -> None:
    every = list(cells.cells(reading.read(ROOT / "matrices" / f"{name}.yaml")))
    parts = [
        list(shards.within(every, Shard(number=number, count=count)))
        for number in range(1, count + 1)
    ]
    found = Counter(cell.id for part in parts for cell in part)
    assert found == Counter(cell.id for cell in every)
    for part in parts:
        order = [every.index(cell) for cell in part]
        assert order == sorted(order), "in the order of the file"


@pytest.mark.parametrize("name", SHIPPED)
def test_what_shares_a_process_and_a_workload_stays_together(name: str) -> None:
    every = list(cells.cells(reading.read(ROOT / "matrices" / f"{name}.yaml")))
    where: dict[object, set[int]] = {}
    for cell in every:
        variables = tuple(sorted(cell_variables(cell).items()))
        group = (cell.environment, variables, cell.workload)
        where.setdefault(group, set()).add(shards.shard_of(cell, 16))
    assert all(len(numbers) == 1 for numbers in where.values())
    assert len(set(itertools.chain(*where.values()))) > 4, "and the others do not"


def test_a_matrix_that_grows_moves_no_cell(tmp_path: Path) -> None:
    small = cells_in(
        "schema: 1\nname: m\nenvironments: {tensorflow: 2.15.1}\n"
        "axes: {workload: [mnist-mlp, co2-conv], threads: 1, onednn: [on, off]}\n",
        tmp_path,
    )
    large = cells_in(
        "schema: 1\nname: other\nenvironments: {tensorflow: [2.10.0, 2.15.1, 2.21.0]}\n"
        "axes: {workload: [co2-lstm, co2-conv, mnist-mlp], threads: [2, 1], onednn: [off, on]}\n",
        tmp_path,
    )
    for count in (3, 16):
        before = {cell.id: shards.shard_of(cell, count) for cell in small}
        after = {cell.id: shards.shard_of(cell, count) for cell in large}
        assert len(after) == 36 and before.items() <= after.items()


def test_which_shard_a_cell_is_in_stays_as_it_is() -> None:
    """Published job arrays refer to it; another number here would divide them otherwise."""
    every = cells.cells(reading.read(ROOT / "matrices" / "quickstart.yaml"))
    assert [shards.shard_of(cell, 16) for cell in itertools.islice(every, 5)] == [8, 8, 15, 15, 14]


@pytest.mark.parametrize(
    ("text", "shard"),
    [("1/1", (1, 1)), ("3/16", (3, 16)), ("16/16", (16, 16)), ("03/16", (3, 16))],
)
def test_a_shard_is_read(text: str, shard: tuple[int, int]) -> None:
    found = shards.parse(text)
    assert (found.number, found.count) == shard


@pytest.mark.parametrize(
    "text",
    ["0/4", "5/4", "x", "", "1", "1/0", "1/", "/4", "-1/4", "1/4/4", "1 / 4", "1/10001", "٣/١٦"],
)
def test_what_is_no_shard_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(UsageError, match="--shard"):
        shards.parse(text)
