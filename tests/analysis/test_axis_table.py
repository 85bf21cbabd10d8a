"""The axis table, against answers worked out by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from answered_sweep import combinations, rows_of, runs_of
from results_factory import SweepOnDisk, cell

from harness.analysis import run_table
from harness.analysis.axis_table import by_axis
from harness.analysis.class_table import by_class
from harness.matrix.cells import Cell
from harness.publish.tables import render


@pytest.mark.slow
def test_an_axis_is_judged_by_pairs_that_differ_in_it_alone(tmp_path: Path) -> None:
    # Threads matter only without op determinism. Four thread counts are six pairs: all of them
    # differ with it off, none with it on.
    grid = combinations(threads=[1, 2, 4, 8], determinism=["off", "on"])
    answers = [
        (cell(**each), (f"off {each['threads']}" if each["determinism"] == "off" else "on",) * 2)
        for each in grid
    ]
    table = by_axis(runs_of(tmp_path, answers))
    names = ("axis", "values", "pairs", "differ", "same", "unstable", "changes_bits")
    assert rows_of(table, *names) == [
        ("threads", "1, 2, 4, 8", 12, 6, 6, 0, "sometimes"),
        ("determinism", "off, on", 4, 4, 0, 0, "few pairs"),
    ]


def test_pairs_with_an_unstable_cell_are_counted_apart(tmp_path: Path) -> None:
    grid = combinations(threads=[1, 2], determinism=["off", "on"])
    answers = [
        (cell(**each), ("on", "on") if each["determinism"] == "on" else ("a", "b")) for each in grid
    ]
    table = by_axis(runs_of(tmp_path, answers))
    names = ("axis", "pairs", "differ", "same", "unstable", "unstable_at", "changes_bits")
    assert rows_of(table, *names) == [
        ("threads", 2, 0, 1, 1, "", "few pairs"),
        ("determinism", 2, 0, 0, 2, "off", "unknown"),
    ]


def test_a_version_that_comes_with_another_is_no_axis_of_its_own(tmp_path: Path) -> None:
    answers = [
        (cell(tensorflow=tf, python=python, numpy=None, threads=threads), (tf, tf))
        for tf, python in (("2.4.4", "3.8"), ("2.10.0", "3.10"))
        for threads in (1, 2)
    ]
    table = by_axis(runs_of(tmp_path, answers))
    assert rows_of(table, "axis", "follows", "pairs", "differ") == [
        ("tensorflow", "python, keras", 2, 2),
        ("threads", "", 2, 0),
    ]


def test_a_version_varied_on_purpose_is_an_axis(tmp_path: Path) -> None:
    grid = combinations(tensorflow=["2.10.0", "2.11.1"], numpy=["1.23.5", "1.26.4"])
    answers = [(cell(**each), (f"{each['tensorflow']}",) * 2) for each in grid]
    table = by_axis(runs_of(tmp_path, answers))
    assert rows_of(table, "axis", "follows", "pairs", "differ", "changes_bits") == [
        ("tensorflow", "keras", 2, 2, "few pairs"),
        ("numpy", "", 2, 0, "few pairs"),
    ]


def test_the_start_is_compared_apart_from_the_end(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path)
    cells = [cell(seed=1), cell(seed=2), cell(seed=3)]
    sweep.plan(cells)
    for each, weights, init in zip(cells, "uvw", "xxy", strict=True):
        sweep.complete(each, weights, weights, init=init)
    table = by_axis(run_table.runs(tmp_path))
    assert rows_of(table, "axis", "pairs", "differ", "differ_init") == [("seed", 3, 3, 2)]


@pytest.mark.slow
def test_cells_that_never_ran_are_not_compared(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path)
    sweep.plan([cell(threads=1), cell(threads=2), cell(threads=4, status="excluded", reason="-")])
    sweep.complete(cell(threads=1), "w", "w")
    sweep.end(cell(threads=2), 1, "failed", "ValueError")
    runs = run_table.runs(tmp_path)
    assert by_axis(runs).empty
    assert by_class(runs)["where"].tolist() == ["every cell"]


def _completed(
    root: Path, cells: Iterable[tuple[Cell, Sequence[str], dict[str, Any]]]
) -> pd.DataFrame:
    """The axis table of cells with a letter per run for its weights, and what was found."""
    sweep, listed = SweepOnDisk(root=root), list(cells)
    sweep.plan([each for each, _, _ in listed])
    for each, weights, found in listed:
        sweep.complete(each, *weights, found=found)
    return run_table.runs(root)


def test_only_an_axis_that_divides_unstable_from_stable_cells_is_their_cause(
    tmp_path: Path,
) -> None:
    grid = combinations(hash_seed=["random", 0], seeding=["all", "tf"], threads=[1, 2])
    runs = runs_of(
        tmp_path,
        [(cell(**each), "ab" if each["seeding"] == "tf" else "ww") for each in grid],
    )
    names = ("axis", "unstable", "divided", "unstable_at", "stable_at")
    assert rows_of(by_axis(runs), *names) == [
        ("hash_seed", 2, 0, "", ""),
        ("seeding", 4, 4, "tf", "all"),
        ("threads", 2, 0, "", ""),
    ]


def test_a_value_with_unstable_and_stable_cells_is_no_cause(tmp_path: Path) -> None:
    # Either thread count is unstable once, where the other is not: chance, not threads.
    words = {(1, "off"): "ab", (2, "off"): "ww", (1, "on"): "ww", (2, "on"): "ab"}
    answers = [(cell(threads=t, eager=e), word) for (t, e), word in words.items()]
    assert rows_of(by_axis(runs_of(tmp_path, answers)), "axis", "divided", "unstable_at") == [
        ("threads", 2, ""),
        ("eager", 2, ""),
    ]


def test_a_cell_that_ran_once_is_not_the_stable_side(tmp_path: Path) -> None:
    answers = [(cell(threads=1), "ab"), (cell(threads=2), "w")]
    assert rows_of(by_axis(runs_of(tmp_path, answers)), "unstable", "divided", "unstable_at") == [
        (1, 0, "")
    ]


def test_values_asked_differently_and_found_equal_form_no_pair(tmp_path: Path) -> None:
    cells = [(cell(jit=jit), "ww", {"jit": "off"}) for jit in ("auto", "off")]
    table = by_axis(_completed(tmp_path, cells))
    assert rows_of(table, "axis", "pairs", "changes_bits", "no_effect") == [
        ("jit", 0, "no effect", "auto, off: off")
    ]
    text = render(table, "rich", width=100, colour=False)
    assert "no effect (auto, off: off)" in text and "never" not in text


def test_cells_found_equal_are_one_experiment_also_where_others_differ(tmp_path: Path) -> None:
    # Asked are three thread counts; the default is found to be two.
    cells = [
        (cell(threads=threads, eager=eager), "ww", {"threads": found})
        for threads, found in (("default", 2), (2, 2), (1, 1))
        for eager in ("off", "on")
    ]
    table = by_axis(_completed(tmp_path, cells))
    # At two threads two eager cells differ from two others, at one thread one from one.
    assert rows_of(table, "axis", "values", "pairs", "no_effect") == [
        ("threads", "1, 2", 4, "default, 2: 2"),
        ("eager", "off, on", 5, ""),
    ]


def test_what_changes_with_another_axis_without_being_asked_follows_it(tmp_path: Path) -> None:
    # On a GPU op determinism turns XLA off, whatever `jit` asks for.
    cells = [
        (cell(), "aa", {"jit": "on"}),
        (cell(determinism="on"), "bb", {"jit": "off"}),
        (cell(determinism="on", jit="off"), "bb", {"jit": "off"}),
    ]
    table = by_axis(_completed(tmp_path, cells))
    assert rows_of(table, "axis", "follows", "pairs", "differ", "changes_bits", "no_effect") == [
        ("determinism", "jit", 2, 2, "few pairs", ""),
        ("jit", "", 0, 0, "no effect", "auto, off: off"),
    ]


def test_what_could_not_be_read_back_counts_as_asked(tmp_path: Path) -> None:
    cells: list[Any] = [(cell(onednn=onednn), onednn, {}) for onednn in ("on", "off")]
    assert rows_of(by_axis(_completed(tmp_path, cells)), "axis", "values", "pairs") == [
        ("onednn", "on, off", 1)
    ]


def test_few_pairs_are_given_as_numbers(tmp_path: Path) -> None:
    runs = runs_of(tmp_path, [(cell(threads=1), "ww"), (cell(threads=2), "ww")])
    text = render(by_axis(runs), "rich", width=100, colour=False)
    assert "0 of 1" in text and "never" not in text


def test_an_axis_without_effect_is_not_among_those_that_bits_survive(tmp_path: Path) -> None:
    cells = [(cell(jit=jit), "ww", {"jit": "off"}) for jit in ("auto", "off")]
    assert by_class(_completed(tmp_path, cells))["same_for"].tolist() == [""]
