"""From a record back to its cell: what a matrix file may not say, a record may not either."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from results_factory import SCRIPT, SweepOnDisk, cell, part_of, script_cell, sha256

from harness.matrix import reading
from harness.matrix.cells import Cell, cells
from harness.protocol.script import DataFile, Script
from harness.results.consistency import contradiction
from harness.results.record import Record
from harness.studies.record_cells import (
    UnknownCellError,
    UnknownScriptError,
    cell_of,
    script_of,
)

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
    for one in cells(matrix):
        script = SCRIPT if one.workload in matrix.scripts else None
        found = cell_of(record(one, script=script, cell=one.id))
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


CHURN = Script(
    name="churn",
    path="train.py",
    module="",
    folder_sha256=sha256("folder"),
    arguments=("--workers", "{workers}", "{epochs}", "{{}}"),
    data=(DataFile(target="rows.csv", sha256=sha256("rows")),),
    files=("*.npy",),
    hold=("seed",),
)


def of_script(**changes: Any) -> Record:
    one = script_cell(parameters={"workers": "4"}, requirements=["pandas==2.2.2"], epochs=3)
    return record(one, **{"script": part_of(CHURN), "cell": one.id, **changes})


def test_the_cell_of_a_script_and_the_script_itself_are_found_again() -> None:
    one = script_cell(parameters={"workers": "4"}, requirements=["pandas==2.2.2"], epochs=3)
    assert cell_of(of_script()) == one
    assert script_of(of_script()) == CHURN
    assert script_of(record(cell())) is None


def test_what_a_script_was_not_asked_for_yet_is_left_to_it() -> None:
    settings = {k: v for k, v in of_script().settings.items() if k not in ("seeding", "eager")}
    assert cell_of(of_script().model_copy(update={"settings": settings})) == cell_of(of_script())


def test_a_script_cannot_be_had_from_a_record_of_an_older_version() -> None:
    with pytest.raises(UnknownScriptError, match="not in these results; run its matrix"):
        script_of(record(script_cell(), script=SCRIPT))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"path": "../train.py"}, "leads out of the folder"),
        ({"data": {"/etc/passwd": sha256("x")}}, "leads out of the folder"),
        ({"path": "", "module": "os; x"}, "is no module"),
        ({"template": ("{workers}", "{rate}")}, "{rate}.* has no value"),
        ({"hold": ()}, "the script has the digest"),
        ({"data": {}}, "the script has the digest"),
    ],
)
def test_what_no_script_may_be_no_record_may_say(changes: dict[str, Any], said: str) -> None:
    part = part_of(CHURN).model_copy(update=changes)
    if "has no value" in said:
        part = part_of(replace(CHURN, arguments=part.template or ()))
    with pytest.raises(UnknownCellError, match=said):
        script_of(of_script(script=part))


def test_a_record_whose_script_has_another_digest_contradicts_itself() -> None:
    part = part_of(CHURN, hold=())
    assert "the script has the digest" in (contradiction(of_script(script=part)) or "")
    assert "the script" not in (contradiction(of_script()) or "")


@pytest.mark.parametrize("name", ["mnist-mlp", "../churn", "Churn", ""])
def test_a_script_needs_a_name_that_a_matrix_could_give_it(name: str) -> None:
    settings = {**of_script().settings, "workload": name}
    with pytest.raises(UnknownCellError, match=r"is no name of a script|mnist-mlp"):
        cell_of(of_script().model_copy(update={"settings": settings}))
