"""The trace as it is kept: which steps have a row, and what a chain says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import RecordError
from harness.protocol import exchange
from harness.results import blobs
from harness.runner import trace
from harness.runner.trace import Schedule, Trace


def rows(*trained: int) -> Trace:
    made = Trace()
    for step, digest in enumerate(trained):
        made.add((1, 1, min(step, 1), step), {"trained": digest}, 0.5)
    return made


def chains(made: Trace) -> list[int]:
    columns: dict[str, Any] = dict(made.columns())
    return [int(each) for each in columns["chain"]]


def test_the_first_steps_are_dense_and_long_trainings_have_few_rows() -> None:
    schedule = Schedule()
    wanted = [step for step in range(1, 100_001) if schedule.wants(step)]
    assert wanted[:10] == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32]
    assert len(wanted) < 40


def test_a_model_that_takes_long_to_read_is_read_less_often() -> None:
    schedule = Schedule()
    schedule.spent(1000.0)
    assert [step for step in range(1, 100) if schedule.wants(step)] == [1]


def test_equal_chains_are_equal_traces_up_to_there() -> None:
    one, other = chains(rows(1, 2, 3, 4)), chains(rows(1, 2, 9, 4))
    assert one[:2] == other[:2]
    assert one[2] != other[2]
    # The fourth rows are equal; what came before them is not.
    assert one[3] != other[3]


def test_a_trace_is_stored_by_its_digest_and_read_back(tmp_path: Path) -> None:
    sha256 = rows(1, 2).write(str(tmp_path))
    folder = tmp_path / "blobs" / "traces"
    folder.mkdir(parents=True)
    (tmp_path / exchange.TRACE).rename(folder / f"{sha256}.npz")
    read = blobs.read_trace(tmp_path / "blobs", sha256)
    assert read is not None
    assert {name: column.dtype.str for name, column in read.items()} == trace.COLUMNS
    assert read["trained"].tolist() == [1, 2]


def test_without_rows_there_is_no_file(tmp_path: Path) -> None:
    assert Trace().write(str(tmp_path)) == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["a column less", "another dtype", "columns of other lengths"])
def test_other_arrays_are_no_trace(tmp_path: Path, kind: str) -> None:
    from harness.runner import hashing

    columns: dict[str, Any] = dict(rows(1, 2).columns())
    if kind == "a column less":
        del columns["loss"]
    elif kind == "another dtype":
        columns["loss"] = columns["loss"].astype("<f4")
    else:
        columns["loss"] = np.zeros(3)
    hashing.write_arrays(str(tmp_path / "t.npz"), list(columns), list(columns.values()))
    with (tmp_path / "t.npz").open("rb") as file, pytest.raises(ValueError, match="columns"):
        blobs.digest_of(file, blobs.TRACES)


@pytest.mark.parametrize("place", [(0, 1, 0, 1), (1, -1, 0, 1), (1, 1, -1, 1), (1, 1, 0, -5)])
def test_rows_of_no_step_are_no_trace(tmp_path: Path, place: tuple[int, int, int, int]) -> None:
    made = rows(1, 2)
    made.add(place, {"trained": 3})
    sha256 = made.write(str(tmp_path))
    folder = tmp_path / "blobs" / "traces"
    folder.mkdir(parents=True)
    (tmp_path / exchange.TRACE).rename(folder / f"{sha256}.npz")
    with pytest.raises(RecordError, match="a row has"):
        blobs.read_trace(tmp_path / "blobs", sha256)


def test_models_get_the_numbers_of_the_trace_that_takes_them() -> None:
    one = rows(1, 2)
    taken = Trace()
    taken.add_columns(dict(one.columns()), {1: 3})
    columns: dict[str, Any] = dict(taken.columns())
    assert columns["model"].tolist() == [3, 3]
    assert columns["trained"].tolist() == [1, 2]
    nothing = Trace()
    nothing.add_columns(dict(one.columns()), {})
    assert nothing.rows == []


def test_the_steps_that_may_have_a_row_are_those_that_are_due() -> None:
    schedule = Schedule()
    wanted = [step for step in range(1, 5_000) if schedule.wants(step)]
    assert [step for step in Schedule.steps() if step < 5_000] == wanted
