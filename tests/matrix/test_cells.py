"""Cells: every combination once, named so that the name does not depend on the rest."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from harness.errors import SelectionError
from harness.matrix import cells, reading
from harness.matrix.cells import Cell
from harness.matrix.matrix import Matrix
from harness.matrix.text import Problems

DATA = Path(__file__).parent.parent / "data" / "matrices"


def matrix_of(source: str) -> Matrix:
    problems = Problems()
    matrix = reading.parse("schema: 1\nname: x\n" + source, problems)
    assert matrix is not None, problems.found
    return matrix


def cells_of(source: str) -> list[Cell]:
    return list(cells.cells(matrix_of(source)))


def test_a_mapping_of_lists_is_multiplied_out() -> None:
    grid = list(cells.cells(reading.read(DATA / "grid.yaml")))
    main, included = 2 * 2 * 2 * 2 * 2 * 2, 8
    assert len(grid) == main + included
    assert len({cell.id for cell in grid}) == len(grid)


def test_an_include_that_repeats_a_cell_adds_nothing() -> None:
    ids = [c.id for c in cells.cells(reading.read(DATA / "grid.yaml"))]
    assert ids.count("mnist-mlp,tf2.15.1,py3.11,np1.26.4,cpu,threads=1") == 1
    assert "mnist-cnn,tf2.15.1,py3.11,np1.26.4,cpu,seed=7" in ids


def test_excluded_cells_stay_with_their_reason() -> None:
    grid = cells.cells(reading.read(DATA / "grid.yaml"))
    excluded = [cell for cell in grid if cell.status == "excluded"]
    assert {cell.reason for cell in excluded} == {"measured elsewhere"}
    assert len(excluded) == 2 * 2 * 2


def test_combinations_that_cannot_exist_stay_with_their_reason() -> None:
    found = cells_of(
        'environments: {python: ["3.10", "3.12"], tensorflow: [2.10.0], numpy: [1.23.5, 2.1.0]}\n'
    )
    reasons = {cell.environment.id: cell.reason for cell in found}
    assert reasons["tf2.10.0,py3.10,np1.23.5,cpu"] == ""
    assert "3.12" in reasons["tf2.10.0,py3.12,np1.23.5,cpu"]
    assert "2.1.0" in reasons["tf2.10.0,py3.10,np2.1.0,cpu"]
    assert [c.status for c in found].count("unavailable") == 3


def test_an_axis_newer_than_the_tensorflow_is_unavailable() -> None:
    (cell,) = cells_of("environments: {tensorflow: 2.3.4}\naxes: {jit: on}\n")
    assert (cell.status, cell.reason) == (
        "unavailable",
        "jit=on needs TensorFlow 2.8, this is 2.3.4",
    )


def test_the_python_left_out_is_the_newest_that_fits() -> None:
    found = cells_of("environments: {tensorflow: [2.4.4, 2.10.0, 2.21.0]}\n")
    assert [cell.environment.python for cell in found] == ["3.8", "3.10", "3.13"]


def test_an_id_does_not_depend_on_the_rest_of_the_matrix() -> None:
    small = cells_of("environments: {tensorflow: 2.15.1}\naxes: {threads: 1}\n")
    large = cells_of(
        "environments: {tensorflow: [2.15.1, 2.16.2]}\naxes: {threads: [1, 2], seed: [42, 43]}\n"
    )
    assert small[0].id in {cell.id for cell in large}


def test_hostile_values_make_harmless_ids() -> None:
    found = cells_of(
        "environments: {tensorflow: 2.15.1}\n"
        "consent: {A: a test}\n"
        "axes: {env: [{A: ../../x}, {A: '$(reboot)'}, {A: '<script>'}, {A: '" + "y" * 300 + "'}]}\n"
    )
    ids = [cell.id for cell in found]
    assert len(set(ids)) == 4
    assert all("/" not in name and "$" not in name and "<" not in name for name in ids)
    assert max(map(len, ids)) <= cells.MAX_ID


def test_only_selects_by_glob() -> None:
    grid = cells.cells(reading.read(DATA / "grid.yaml"))
    chosen = list(cells.select(grid, ("*tf2.10*threads=1*",)))
    assert chosen
    assert all(c.environment.tensorflow == "2.10.0" for c in chosen)


def test_a_selection_of_nothing_shows_what_ids_look_like() -> None:
    grid = cells.cells(reading.read(DATA / "grid.yaml"))
    with pytest.raises(SelectionError, match="mnist-mlp,tf2"):
        list(cells.select(grid, ("nothing",)))


def test_a_million_cells_are_counted_without_being_made_and_made_lazily() -> None:
    seeds = ", ".join(map(str, range(1000)))
    matrix = matrix_of(
        f"environments: {{tensorflow: 2.15.1}}\naxes: {{seed: [{seeds}], hash_seed: [{seeds}]}}\n"
    )
    assert cells.count(matrix) == 1_000_000
    first = list(itertools.islice(cells.cells(matrix), 3))
    assert [cell.settings["seed"] for cell in first] == [0, 1, 2]


def test_an_environment_written_out_that_cannot_exist_is_named_with_a_remedy() -> None:
    listed = matrix_of('environments:\n  - {python: "3.12", tensorflow: 2.10.0}\n')
    ((entry, what),) = cells.impossible_environments(listed)
    assert (entry.line, entry.column) == (4, 5)
    assert "3.12" in what and "3.10" in what
    multiplied = matrix_of('environments: {python: ["3.10", "3.12"], tensorflow: 2.10.0}\n')
    assert not list(cells.impossible_environments(multiplied))


def test_the_same_environment_written_in_two_ways_is_one_cell() -> None:
    found = cells_of('environments: [{tensorflow: 2.15.1}, {python: "3.11", tensorflow: 2.15.1}]\n')
    assert len(found) == 1


def test_variables_that_read_alike_have_different_ids() -> None:
    found = cells_of(
        "environments: {tensorflow: 2.15.1}\nconsent: {A: a test, B: a test}\n"
        "axes: {env: [{A: 1+B=2}, {A: 1, B: 2}]}\n"
    )
    assert len({cell.id for cell in found}) == 2


def test_an_include_that_cannot_exist_is_named_too() -> None:
    matrix = matrix_of(
        'environments: {tensorflow: 2.15.1}\ninclude: {python: "3.7", tensorflow: 2.21.0}\n'
    )
    assert len(list(cells.impossible_environments(matrix))) == 1
