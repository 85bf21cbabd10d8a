"""The class and the axis table, against answers worked out by hand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from answered_sweep import combinations, rows_of, runs_of
from results_factory import MACHINE, SweepOnDisk, cell, hardware, weights_sha256

from harness.analysis import run_table
from harness.analysis.axis_table import by_axis
from harness.analysis.class_table import by_class
from harness.errors import RecordError
from harness.results import fingerprint


def test_equal_weights_share_a_letter_and_the_largest_class_is_a(tmp_path: Path) -> None:
    runs = runs_of(
        tmp_path,
        [
            (cell(threads=1), ("w", "w")),
            (cell(threads=2), ("v", "v")),
            (cell(threads=4), ("v", "v")),
        ],
    )
    table = by_class(runs)
    assert rows_of(table, "class", "weights_sha256", "cells", "runs", "where") == [
        ("A", weights_sha256("v"), 2, 4, "threads≥2"),
        ("B", weights_sha256("w"), 1, 2, "threads=1"),
    ]
    assert table["cell_ids"][1] == [
        f"quickstart/{MACHINE}/{cell(threads=1).id}",
    ]


def test_equally_large_classes_are_lettered_in_the_order_of_the_matrix(tmp_path: Path) -> None:
    runs = runs_of(tmp_path, [(cell(threads=2), ("v",)), (cell(threads=1), ("w",))])
    assert rows_of(by_class(runs), "class", "where", "untested") == [
        ("A", "threads=2", 1),
        ("B", "threads=1", 1),
    ]


def test_unstable_cells_stand_last_and_count_their_different_weights(tmp_path: Path) -> None:
    runs = runs_of(
        tmp_path,
        [
            (cell(workload="mnist-augmented", threads=1), ("a", "b")),
            (cell(workload="mnist-augmented", threads=2), ("c", "d")),
            (cell(workload="mnist-augmented", determinism="on", threads=1), ("w", "w")),
            (cell(workload="mnist-augmented", determinism="on", threads=2), ("w", "w")),
        ],
    )
    assert rows_of(by_class(runs), "class", "cells", "distinct", "where", "same_for") == [
        ("A", 2, 1, "determinism=on", "threads"),
        ("unstable", 2, 4, "determinism=off", ""),
    ]
    assert by_class(runs)["weights_sha256"].isna().tolist() == [False, True]


def test_each_workload_has_letters_of_its_own(tmp_path: Path) -> None:
    runs = runs_of(tmp_path, [(cell(), ("w", "w")), (cell(workload="mnist-cnn"), ("v", "v"))])
    assert rows_of(by_class(runs), "workload", "class", "where") == [
        ("mnist-mlp", "A", "every cell"),
        ("mnist-cnn", "A", "every cell"),
    ]


def test_an_irrelevant_axis_is_not_in_where_but_in_same_for(tmp_path: Path) -> None:
    grid = combinations(
        tensorflow=["2.9.3", "2.10.0", "2.11.1"], python=["3.9", "3.10"], threads=[1, 2]
    )
    answers = [(cell(**each), (f"{each['threads']}",) * 2) for each in grid]
    assert rows_of(by_class(runs_of(tmp_path, answers)), "where", "same_for") == [
        ("threads=1", "tensorflow, python"),
        ("threads=2", "tensorflow, python"),
    ]


def test_versions_are_ranges_in_their_own_order(tmp_path: Path) -> None:
    family = {
        "2.8.4": "a",
        "2.9.3": "a",
        "2.10.1": "b",
        "2.11.1": "b",
        "2.12.1": "b",
        "2.15.1": "c",
    }
    answers = [(cell(tensorflow=version), (word,) * 2) for version, word in family.items()]
    assert rows_of(by_class(runs_of(tmp_path, answers)), "where") == [
        ("tensorflow=2.10.1…2.12.1",),
        ("tensorflow≤2.9.3",),
        ("tensorflow=2.15.1",),
    ]


def test_a_class_that_is_no_box_is_told_as_alternatives(tmp_path: Path) -> None:
    grid = combinations(threads=[1, 2], determinism=["off", "on"])
    answers = [
        (cell(**each), ("x" if each == {"threads": 2, "determinism": "off"} else "w",) * 2)
        for each in grid
    ]
    assert rows_of(by_class(runs_of(tmp_path, answers)), "class", "cells", "where") == [
        ("A", 3, "threads=1; or determinism=on"),
        ("B", 1, "threads=2, determinism=off"),
    ]


@pytest.mark.slow
def test_what_a_class_says_holds_for_its_cells_and_for_no_other(tmp_path: Path) -> None:
    grid = combinations(threads=[1, 2, 4], onednn=["on", "off"], isa=["native", "sse41", "avx2"])
    mixed = [(7 * number * number + 3) % 11 % 4 for number in range(len(grid))]
    answers = [(cell(**each), (f"{word}",)) for each, word in zip(grid, mixed, strict=True)]
    runs = runs_of(tmp_path, answers)
    classes = by_class(runs)
    for where, cell_ids in zip(classes["where"], classes["cell_ids"], strict=True):
        inside = runs["cell"].isin([path.split("/")[-1] for path in cell_ids])
        assert _matches(runs, where).tolist() == inside.tolist(), where


def _matches(runs: pd.DataFrame, where: str) -> pd.Series[Any]:
    """The rows that a reader would take the sentence to mean."""
    found: pd.Series[Any] = pd.Series(False, index=runs.index)
    for alternative in where.split("; or "):
        inside = pd.Series(True, index=runs.index)
        for axis, sign, value in re.findall(r"(\w+)([=≠∈≤≥])(\{.*?\}|\w+)", alternative):
            inside &= runs[axis].map(lambda have, s=sign, v=value: _holds(have, s, v))
        found |= inside
    return found


def _holds(have: str, sign: str, value: str) -> bool:
    if sign == "∈":
        return have in value.strip("{}").split(", ")
    if sign in "≤≥":
        return int(have) <= int(value) if sign == "≤" else int(have) >= int(value)
    return (have == value) == (sign == "=")


@pytest.mark.slow
def test_cells_told_apart_by_nothing_recorded_are_admitted(tmp_path: Path) -> None:
    for matrix, word in (("a", "w"), ("b", "v")):
        runs = runs_of(tmp_path, [(cell(), (word, word))], matrix=matrix)
    told = "every cell (others with the same settings differ)"
    assert by_class(runs)["where"].tolist() == [told, told]


@pytest.mark.slow
def test_machines_are_an_axis(tmp_path: Path) -> None:
    names = []
    for model, native in (("m1", "avx512"), ("m2", "avx2")):
        its = hardware(microarchitecture=model)
        names.append(fingerprint.identify(its))
        answers = [(cell(isa="native"), (native,) * 2), (cell(isa="avx2"), ("avx2",) * 2)]
        runs = runs_of(tmp_path, answers, hardware=its)
    assert rows_of(by_class(runs), "cells", "where") == [
        (3, f"isa=avx2; or machine={names[1]}"),
        (1, f"machine={names[0]}, isa=native"),
    ]


def test_letters_of_initial_weights_show_another_random_stream(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path)
    cells = [cell(seed=1), cell(seed=2), cell(seed=2, threads=1)]
    sweep.plan(cells)
    for each, weights, init in zip(cells, "uvw", "xyy", strict=True):
        sweep.complete(each, weights, weights, init=init)
    table = by_class(run_table.runs(tmp_path))
    assert rows_of(table, "where", "init") == [
        ("seed=1", "b"),
        ("seed=2, threads=default", "a"),
        ("threads=1", "a"),
    ]


def test_what_every_cell_shares_leaves_out_defaults_but_not_the_seed(tmp_path: Path) -> None:
    runs = runs_of(
        tmp_path, [(cell(threads=1, epochs=3), ("w",)), (cell(threads=2, epochs=3), ("w",))]
    )
    assert by_class(runs)["every_cell"][0] == (
        "tensorflow=2.10.0, python=3.10, numpy=1.23.5, keras=2.10.0, device=cpu, "
        f"machine={MACHINE}, engine=local, seed=42, epochs=3"
    )


@pytest.mark.slow
def test_only_planned_runs_form_classes_and_effects(tmp_path: Path) -> None:
    # Planned are threads 1 and 2, with equal weights. Left from older plans: threads 4 (excluded
    # by now) and 8 (gone), and a third run of threads 1, all with other weights.
    sweep = SweepOnDisk(root=tmp_path)
    sweep.plan([cell(threads=1), cell(threads=2), cell(threads=4, status="excluded", reason="-")])
    sweep.complete(cell(threads=1), "w", "w", "v")
    for threads, weights in ((2, "w"), (4, "u"), (8, "t")):
        sweep.complete(cell(threads=threads), weights, weights)
    runs = run_table.runs(tmp_path)
    assert len(runs) == 4 + 2 + 1 + 2 + 2
    assert rows_of(by_class(runs), "class", "cells", "runs", "where") == [("A", 2, 4, "every cell")]
    assert rows_of(by_axis(runs), "axis", "values", "pairs", "differ", "same") == [
        ("threads", "1, 2", 1, 0, 1)
    ]


def test_a_completed_record_without_measurements_is_refused(tmp_path: Path) -> None:
    sweep = SweepOnDisk(root=tmp_path, repeats=1)
    sweep.plan([cell(threads=1), cell(threads=2)])
    sweep.complete(cell(threads=1), "w")
    sweep.write(sweep.record(cell(threads=2), 1, "completed"))
    with pytest.raises(RecordError, match=r"threads=2/1\.json: contradicts itself"):
        run_table.runs(tmp_path)


@pytest.mark.slow
def test_twenty_thousand_cells_take_no_pair_by_pair_comparison(tmp_path: Path) -> None:
    """2·10⁸ pairs: a loop over them would not end within this suite's time limit."""
    one = runs_of(tmp_path, [(cell(), ("w",))]).head(1)
    cells = 20_000
    seeds = pd.Series(range(cells)).floordiv(4).astype("string")
    many = one.loc[one.index.repeat(cells)].reset_index(drop=True)
    many["cell"] = pd.Series(range(cells)).astype("string")
    many["repeat"] = pd.Series([1] * cells, dtype="Int64")
    many["seed"], many["weights_sha256"] = seeds, seeds
    many["threads"] = pd.Series(range(cells)).mod(4).add(1).astype("string")
    many["found_threads"], many["status"] = many["threads"], "completed"
    assert len(by_class(many)) == 5000
    assert rows_of(by_axis(many), "axis", "pairs", "differ") == [
        ("seed", 4 * (5000 * 4999 // 2), 4 * (5000 * 4999 // 2)),
        ("threads", 5000 * 6, 0),
    ]
