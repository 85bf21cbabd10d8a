"""From a record back to its cell: what a matrix file may not say, a record may not either."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from results_factory import SCRIPT, SweepOnDisk, cell

from harness.matrix import reading
from harness.matrix.cells import Cell, cells
from harness.results.record import Record
from harness.studies.record_cells import UnknownCellError, cell_of

MATRICES = Path(__file__).parents[2] / "matrices"


def record(of: Cell, **changes: Any) -> Record:
    made = SweepOnDisk(root=Path("nowhere")).record(of, 1, "completed")
    environment = changes.pop("environment", {})
    settings = {**made.settings, **changes.pop("settings", {})}
    changed = {"settings": settings, **changes}
    changed["environment"] = made.environment.model_copy(update=environment)
    return made.model_copy(update=changed)


@pytest.mark.parametrize("name", ["article", "cpu", "quickstart", "versions", "gpu"])
def test_every_cell_of_the_matrices_shipped_is_found_again(name: str) -> None:
    matrix = reading.read(MATRICES / f"{name}.yaml")
    # Of a script only its matrix knows the cells.
    for one in (each for each in cells(matrix) if each.workload not in matrix.scripts):
        found = cell_of(record(one))
        assert (found.environment, found.values) == (one.environment, one.values)


def test_variables_are_found_again() -> None:
    one = cell(env=(("OMP_NUM_THREADS", "2 3"), ("TZ", "1")), keras="2.10.0", seed=7)
    assert cell_of(record(one)) == one


def test_an_axis_that_was_not_known_yet_is_at_its_default() -> None:
    one = cell(threads=1)
    older = record(one)
    settings = {name: value for name, value in older.settings.items() if name != "tf32"}
    assert cell_of(older.model_copy(update={"settings": settings})) == one


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"settings": {"workload": "evil"}}, "workload cannot be 'evil'"),
        ({"settings": {"threads": 0}}, "threads cannot be '0'"),
        (
            {"settings": {"env": {"LD_PRELOAD": "/tmp/x.so"}}},
            "LD_PRELOAD may not be set",
        ),
        ({"settings": {"env": {"A B": "1"}}}, "no name of an environment variable"),
        ({"settings": {"env": {"A": "1\n2"}}}, "must be one line"),
        ({"settings": {"env": {"OMP_NUM_THREADS": ""}}}, "not empty"),
        ({"settings": {"colour": "red"}}, "no axis colour"),
        ({"settings": {"threads": 3}}, "which is not its name"),
        ({"environment": {"python": "3.10; rm"}}, "python is a minor version"),
        ({"environment": {"tensorflow": "../../x"}}, "must be one exact release"),
        ({"environment": {"numpy": "1.23.5/.."}}, "must be one exact release"),
        ({"environment": {"device": "tpu"}}, "device cannot be 'tpu'"),
        ({"cell": "mnist-mlp"}, "which is not its name"),
    ],
)
def test_what_no_matrix_may_say_no_record_may(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UnknownCellError, match=said):
        cell_of(record(cell(), **changes))


def test_a_script_cannot_be_had_from_a_record() -> None:
    with pytest.raises(UnknownCellError, match="a user's script"):
        cell_of(record(cell(), script=SCRIPT))
