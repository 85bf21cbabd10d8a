"""Cells of scripts: what a block leaves out is left to the script, parameters multiply them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli import matrix_commands
from harness.matrix import cells, reading
from harness.matrix.cells import SCRIPT_DEFAULTS, Cell, cell_variables
from harness.matrix.matrix import Matrix
from harness.sweep import machine_limits
from harness.upkeep import state_checks
from harness.upkeep.checks import Need

HEAD = "schema: 1\nname: x\nenvironments: {tensorflow: 2.15.1}\n"
CHURN = (
    "workloads:\n"
    '  churn: {script: train.py, arguments: ["{workers}", "{mode}"],\n'
    "          parameters: {workers: [1, 4], mode: a}}\n"
)


def matrix_of(folder: Path, source: str, head: str = HEAD) -> Matrix:
    (folder / "train.py").write_text("")
    (folder / "m.yaml").write_text(head + source)
    return reading.read(folder / "m.yaml")


def cells_of(folder: Path, source: str, head: str = HEAD) -> list[Cell]:
    matrix = matrix_of(folder, source, head)
    found = list(cells.cells(matrix))
    assert cells.count(matrix) == len(found)
    return found


def test_parameters_multiply_the_cells_of_their_script_only(tmp_path: Path) -> None:
    found = cells_of(
        tmp_path, CHURN + "axes: {workload: [mnist-cnn, churn, mnist-mlp], threads: [1, 2]}\n"
    )
    assert [cell.id for cell in found] == [
        "mnist-cnn,tf2.15.1,py3.11,cpu,threads=1",
        "mnist-cnn,tf2.15.1,py3.11,cpu,threads=2",
        "churn,tf2.15.1,py3.11,cpu,mode=a,workers=1,threads=1",
        "churn,tf2.15.1,py3.11,cpu,mode=a,workers=1,threads=2",
        "churn,tf2.15.1,py3.11,cpu,mode=a,workers=4,threads=1",
        "churn,tf2.15.1,py3.11,cpu,mode=a,workers=4,threads=2",
        "mnist-mlp,tf2.15.1,py3.11,cpu,threads=1",
        "mnist-mlp,tf2.15.1,py3.11,cpu,threads=2",
    ]
    assert found[2].settings["parameters"] == (("mode", "a"), ("workers", "1"))
    assert found[0].settings["parameters"] == ()


def test_what_a_block_leaves_out_is_left_to_the_script(tmp_path: Path) -> None:
    source = "workloads: {plain: {script: train.py}}\naxes: {workload: [plain, mnist-mlp]}\n"
    script, reference = cells_of(tmp_path, source)
    assert script.settings == {**SCRIPT_DEFAULTS, "workload": "plain"}
    left = {
        name: script.settings[name]
        for name in ("seeding", "determinism", "eager", "shuffle", "precision", "seed")
    }
    assert left == {
        "seeding": "none",
        "determinism": "default",
        "eager": "default",
        "shuffle": "default",
        "precision": "default",
        "seed": 42,
    }
    assert script.id == "plain,tf2.15.1,py3.11,cpu"
    assert reference.settings["seeding"] == "all"


def test_what_is_asked_of_a_script_stands_in_its_id(tmp_path: Path) -> None:
    source = (
        "workloads: {plain: {script: train.py}}\n"
        "axes: {workload: plain, determinism: [on, off], seeding: [[tf, numpy]]}\n"
    )
    assert [cell.id for cell in cells_of(tmp_path, source)] == [
        "plain,tf2.15.1,py3.11,cpu,seeding=numpy+tf,determinism=on",
        "plain,tf2.15.1,py3.11,cpu,seeding=numpy+tf,determinism=off",
    ]


def test_axes_and_includes_may_give_parameters_values(tmp_path: Path) -> None:
    source = CHURN + (
        "axes: {workload: churn, workers: 2}\ninclude: {workload: churn, mode: [b, c]}\n"
    )
    found = [cell.parameters for cell in cells_of(tmp_path, source)]
    assert found == [
        {"mode": "a", "workers": "2"},
        {"mode": "b", "workers": "1"},
        {"mode": "b", "workers": "4"},
        {"mode": "c", "workers": "1"},
        {"mode": "c", "workers": "4"},
    ]


def test_an_exclude_matches_parameters_and_never_other_workloads(tmp_path: Path) -> None:
    source = CHURN + (
        "axes: {workload: [churn, mnist-mlp]}\nexclude: {workers: 4, because: too many}\n"
    )
    found = {cell.id: cell.reason for cell in cells_of(tmp_path, source)}
    assert found == {
        "churn,tf2.15.1,py3.11,cpu,mode=a,workers=1": "",
        "churn,tf2.15.1,py3.11,cpu,mode=a,workers=4": "too many",
        "mnist-mlp,tf2.15.1,py3.11,cpu": "",
    }


def test_packages_are_part_of_the_environment_of_the_script(tmp_path: Path) -> None:
    source = (
        "workloads: {plain: {script: train.py, packages: [scikit-learn, pandas==2.2.2]}}\n"
        "axes: {workload: [plain, mnist-mlp]}\n"
    )
    script, reference = cells_of(tmp_path, source)
    assert script.environment.requirements == ("pandas==2.2.2", "scikit-learn")
    assert script.id == "plain,tf2.15.1,py3.11,cpu,with-pandas==2.2.2+scikit-learn"
    assert reference.environment.requirements == ()


def test_hostile_values_of_parameters_make_harmless_ids(tmp_path: Path) -> None:
    source = CHURN + (
        "axes: {workload: churn, workers: 1, mode: [../../x, ..-..-x, '$(reboot)', 'a,workers=4',"
        f" {'y' * 300}]}}\n"
    )
    ids = [cell.id for cell in cells_of(tmp_path, source)]
    assert len(set(ids)) == 5
    assert all("/" not in name and "$" not in name for name in ids)
    assert not any(name.endswith("a,workers=4") for name in ids)
    assert max(map(len, ids)) <= cells.MAX_ID


def test_an_old_tensorflow_runs_a_script_that_is_left_as_it_is(tmp_path: Path) -> None:
    source = "workloads: {plain: {script: train.py}}\naxes: {workload: plain, precision: %s}\n"
    head = HEAD.replace("2.15.1", "2.2.0")
    (cell,) = cells_of(tmp_path, source % "default", head)
    assert cell.status is None
    (cell,) = cells_of(tmp_path, source % "mixed_float16", head)
    assert "needs TensorFlow 2.4" in cell.reason


@pytest.mark.parametrize("keras", ["tf-keras", "tf_keras==2.16.0"])
def test_legacy_keras_is_a_package_and_a_variable(tmp_path: Path, keras: str) -> None:
    head = f"schema: 1\nname: x\nenvironments: {{tensorflow: 2.16.2, keras: {keras}}}\n"
    (cell,) = cells_of(tmp_path, "", head)
    assert cell.status is None
    assert cell.environment.keras is None
    assert cell.environment.requirements == (keras.replace("_", "-"),)
    assert cell_variables(cell) == {"TF_USE_LEGACY_KERAS": "1", "PYTHONHASHSEED": "random"}
    (excluded,) = cells_of(tmp_path, f"exclude: {{keras: {keras}, because: no}}\n", head)
    assert excluded.status == "excluded"


@pytest.mark.parametrize(
    ("tensorflow", "keras", "expected"),
    [
        ("2.16.2", "tf-keras==2.17.0", "TensorFlow 2.16.2 does not work with tf-keras 2.17.0."),
        ("2.16.2", "tf-keras==nonsense", "does not work with tf-keras nonsense."),
        ("2.15.1", "tf-keras", "TensorFlow 2.15.1 comes with Keras 2"),
        ("2.99.0", "tf-keras", "TensorFlow 2.99.0 is not a release known"),
    ],
)
def test_legacy_keras_must_fit_the_tensorflow(
    tmp_path: Path, tensorflow: str, keras: str, expected: str
) -> None:
    head = f"schema: 1\nname: x\nenvironments: {{tensorflow: {tensorflow}, keras: {keras}}}\n"
    (cell,) = cells_of(tmp_path, "", head)
    assert cell.status == "unavailable"
    assert expected in cell.reason


def test_the_rows_of_a_script_are_not_known_here(tmp_path: Path) -> None:
    source = (
        'workloads: {plain: {script: train.py, arguments: ["{samples}"]}}\n'
        "axes: {workload: [plain, mnist-mlp], samples: 70000}\n"
    )
    script, reference = map(machine_limits.with_data, cells_of(tmp_path, source))
    assert (script.status, reference.status) == (None, "unavailable")


def test_harness_check_and_doctor_take_a_script(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    matrix_of(tmp_path, CHURN + "axes: {workload: [churn, mnist-mlp]}\n")
    matrix_commands.check_matrix(tmp_path / "m.yaml")
    assert "3 cells × 1 repeat, nothing wrong" in capsys.readouterr().err
    need = Need(engine="local", results=tmp_path, memory=1, workloads={"churn": 2})
    assert list(state_checks.data(need)) == []
