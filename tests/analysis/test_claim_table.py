"""The claim table, against answers worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import commands
import pytest
from answered_sweep import rows_of
from results_factory import SweepOnDisk, cell, hardware

import harness
from harness.analysis import claim_table
from harness.matrix.cells import Cell
from harness.matrix.claim import Claim, Expectation
from harness.publish.tables import render

Answers = Sequence[tuple[Cell, str]]
"""Cells, and a letter per run for the weights it left."""


def claim(expect: Expectation, name: str = "one", says: str = "x", **where: Any) -> Claim:
    return Claim(
        id=name,
        says=says,
        source="",
        where={key: v if isinstance(v, tuple) else (v,) for key, v in where.items()},
        expect=expect,
    )


STABLE, UNSTABLE = Expectation(kind="stable"), Expectation(kind="unstable")


def over(axis: str, kind: Any = "different") -> Expectation:
    return Expectation(kind=kind, over=axis)


def divided(axis: str, stable: object, unstable: object) -> Expectation:
    return Expectation(
        kind="divided",
        stable_with={axis: (stable,)},  # type: ignore[dict-item]
        unstable_with={axis: (unstable,)},  # type: ignore[dict-item]
    )


def sweep(root: Path, answers: Answers, *claims: Claim, **where: Any) -> SweepOnDisk:
    on = SweepOnDisk(root=root, repeats=3, **where)
    on.plan([each for each, _ in answers], claims)
    for each, weights in answers:
        on.complete(each, *weights)
    return on


def judged(root: Path, answers: Answers, *claims: Claim) -> list[tuple[object, ...]]:
    sweep(root, answers, *claims)
    return rows_of(harness.claims(root), "verdict", "held", "tried", "reason")


def test_a_claim_of_stability_is_judged_by_cells_that_ran_twice(tmp_path: Path) -> None:
    answers = [
        (cell(seeding="tf"), "aab"),
        (cell(seeding="tf", threads=1), "abc"),
        (cell(seeding="all"), "aaa"),
        (cell(seeding="none"), "a"),
        (cell(seeding="python"), ""),
    ]
    found = judged(
        tmp_path,
        answers,
        claim(STABLE, seeding="all"),
        claim(STABLE, "two", seeding="tf"),
        claim(STABLE, "three", seeding=("tf", "all")),
        claim(STABLE, "four", seeding="none"),
        claim(STABLE, "five", seeding=("all", "none", "python")),
        claim(UNSTABLE, "six", seeding="tf"),
        claim(UNSTABLE, "seven", seeding="all"),
    )
    assert found == [
        ("supported", 1, 1, "3 of 3 runs equal"),
        ("refuted", 0, 2, "3 different weights in 3 runs"),
        ("mixed", 1, 3, "3 different weights in 3 runs"),
        ("not tried", 0, 0, "1 cell not tried: ran only once"),
        (
            "supported",
            1,
            1,
            "3 of 3 runs equal; 1 cell not tried: ran only once; 1 cell not tried: pending",
        ),
        ("supported", 2, 2, "3 different weights in 3 runs"),
        ("refuted", 0, 1, "3 of 3 runs equal"),
    ]


def test_every_row_names_a_cell_that_shows_it(tmp_path: Path) -> None:
    first, second = cell(seeding="tf"), cell(seeding="tf", threads=1)
    waiting = cell(seeding="none")
    on = sweep(
        tmp_path,
        [(first, "aab"), (second, "abc"), (waiting, "")],
        claim(STABLE, seeding="tf"),
        claim(UNSTABLE, "two", seeding="tf"),
        claim(STABLE, "three", seeding="none"),
    )
    place = f"quickstart/{on.machine}"
    assert rows_of(harness.claims(tmp_path), "counterexample", "example") == [
        ([f"{place}/{second.id}"], []),
        ([], [f"{place}/{second.id}"]),
        ([], [f"{place}/{waiting.id}"]),
    ]


def test_pairs_are_of_stable_cells_that_differ_in_one_axis_only(tmp_path: Path) -> None:
    # Threads matter without op determinism only; the cell with two seeds has no partner.
    answers = [
        (cell(threads=1, determinism="off"), "aaa"),
        (cell(threads=2, determinism="off"), "bbb"),
        (cell(threads=1, determinism="on"), "ccc"),
        (cell(threads=2, determinism="on"), "ccc"),
        (cell(threads=1, jit="on"), "abc"),
        (cell(threads=2, jit="on"), "bbb"),
        (cell(threads=4, seed=7), "ddd"),
    ]
    found = judged(
        tmp_path,
        answers,
        claim(over("threads")),
        claim(over("threads", "equal"), "two"),
        claim(over("threads"), "three", determinism="off"),
        claim(over("threads", "equal"), "four", determinism="off", jit="auto"),
        claim(over("threads"), "five", jit="on"),
        claim(over("determinism"), "six", threads=1, jit="auto"),
    )
    assert [row[:3] for row in found] == [
        ("mixed", 1, 2),
        ("mixed", 1, 2),
        ("supported", 1, 1),
        ("refuted", 0, 1),
        ("not tried", 0, 0),
        ("supported", 1, 1),
    ]
    assert found[0][3] == "threads 1 and 2: equal weights; 1 pair not tried: a cell is unstable"
    assert found[3][3] == "threads 1 and 2: other weights"
    assert found[4][3] == "1 pair not tried: a cell is unstable"


def test_the_clearest_of_different_pairs_has_the_losses_furthest_apart(tmp_path: Path) -> None:
    on = SweepOnDisk(root=tmp_path)
    cells = [cell(threads=threads) for threads in (1, 2, 4)]
    on.plan(cells, [claim(over("threads", "equal"))])
    for each, loss in zip(cells, (0.5, 0.5000001, 0.75), strict=True):
        on.complete(each, *[f"{loss}"] * 2, loss=loss)
    (reason,) = harness.claims(tmp_path)["reason"]
    assert reason == "threads 1 and 4: other weights, loss 0.5 and 0.75"


def test_one_run_of_each_cell_shows_no_pair(tmp_path: Path) -> None:
    found = judged(
        tmp_path, [(cell(threads=1), "a"), (cell(threads=2), "b")], claim(over("threads"))
    )
    assert found == [("not tried", 0, 0, "1 pair not tried: a cell ran only once")]


def test_what_was_asked_differently_and_found_equal_is_no_pair(tmp_path: Path) -> None:
    on = SweepOnDisk(root=tmp_path)
    cells = [cell(jit="auto"), cell(jit="off")]
    on.plan(cells, [claim(over("jit", "equal")), claim(divided("jit", "off", "auto"), "two")])
    for each in cells:
        on.complete(each, "a", "a", found={"jit": "off"})
    assert rows_of(harness.claims(tmp_path), "verdict", "reason") == [
        ("not tried", "jit auto, off were asked, off was found"),
        ("not tried", "1 pair not tried: asked differently, found equal"),
    ]


def test_machines_are_compared_only_where_the_claim_asks_for_it(tmp_path: Path) -> None:
    claims = (claim(over("threads")), claim(over("machine", "equal"), "two"))
    sweep(tmp_path, [(cell(threads=1), "aaa"), (cell(threads=2), "aaa")], *claims)
    alone = rows_of(harness.claims(tmp_path), "verdict", "held", "tried")
    assert alone == [("refuted", 0, 1), ("not tried", 0, 0)]
    other = hardware(cpu_model="Xeon", microarchitecture="icelake")
    answers = [(cell(threads=1), "aaa"), (cell(threads=2), "bbb")]
    sweep(tmp_path, answers, *claims, hardware=other)
    both = rows_of(harness.claims(tmp_path), "verdict", "held", "tried")
    # Of eight cells only two pairs share a machine, and two a number of threads.
    assert both == [("mixed", 1, 2), ("mixed", 1, 2)]


def test_a_claim_that_divides_needs_both_sides_of_a_pair(tmp_path: Path) -> None:
    answers = [
        (cell(determinism="on"), "aaa"),
        (cell(determinism="off"), "abc"),
        (cell(determinism="on", threads=1), "aaa"),
        (cell(determinism="off", threads=1), "aaa"),
        (cell(determinism="off", threads=4), "abc"),
    ]
    cures = divided("determinism", "on", "off")
    found = judged(
        tmp_path,
        answers,
        claim(cures, threads=("default", 4)),
        claim(cures, "two"),
        claim(divided("determinism", "off", "on"), "turned", threads="default"),
    )
    assert [row[:3] for row in found] == [
        ("supported", 1, 1),
        ("mixed", 1, 2),
        ("refuted", 0, 1),
    ]
    assert found[1][3] == "determinism=on: 3 of 3 runs equal; determinism=off: 3 of 3 runs equal"
    assert "determinism=off: 3 different weights in 3 runs" in str(found[2][3])


def test_every_workload_has_its_row_and_cells_of_other_matrices_none(tmp_path: Path) -> None:
    answers = [(cell(workload=name), "aaa") for name in ("mnist-cnn", "co2-lstm")]
    sweep(tmp_path, answers, claim(STABLE))
    sweep(tmp_path, [(cell(), "abc")], matrix="other")
    found = rows_of(harness.claims(tmp_path), "workload", "verdict", "cells")
    assert found == [("mnist-cnn", "supported", 1), ("co2-lstm", "supported", 1)]


def test_versions_are_chosen_by_globs_of_what_was_asked(tmp_path: Path) -> None:
    answers = [(cell(tensorflow=version), "aaa") for version in ("2.10.0", "2.15.1", "2.9.3")]
    sweep(tmp_path, answers, claim(STABLE, tensorflow="2.1*"))
    assert harness.claims(tmp_path)["cells"].tolist() == [2]


def test_emulated_cells_are_pointed_out(tmp_path: Path) -> None:
    answers = [(cell(isa=isa, threads=1), "aaa") for isa in ("native", "avx2")]
    (row,) = judged(tmp_path, answers, claim(over("isa", "equal")))
    assert row == (
        "supported",
        1,
        1,
        "isa native and avx2: equal weights; 1 of 1 emulate a smaller CPU",
    )


def test_old_plans_have_no_claims_and_say_so(tmp_path: Path) -> None:
    sweep(tmp_path, [(cell(), "aaa")])
    claims = harness.claims(tmp_path)
    assert claims.empty and claim_table.standing(claims) == "no claims"


@pytest.mark.parametrize("format", ["rich", "csv", "json", "markdown", "latex"])
def test_every_format_has_verdict_and_cell(tmp_path: Path, format: str) -> None:
    sweep(tmp_path, [(cell(seeding="tf"), "abc")], claim(STABLE, says="a <b> | c"))
    text = render(harness.claims(tmp_path), format, width=120, colour=False)
    assert "refuted" in text and "seeding=tf" in text
    assert text == render(harness.claims(tmp_path), format, width=120, colour=False)


@pytest.mark.slow
def test_check_ends_with_9_where_a_claim_does_not_hold_and_with_0_where_it_does(
    tmp_path: Path,
) -> None:
    answers = [(cell(seeding="tf"), "abc"), (cell(seeding="all"), "aaa")]
    holds = claim(divided("seeding", "all", "tf"))
    turned = claim(divided("seeding", "tf", "all"), "turned")
    asked = ("table", tmp_path, "--by", "claim", "--check")
    sweep(tmp_path, answers, holds)
    assert commands.harness(*asked).code == 0
    sweep(tmp_path, answers, holds, turned)
    ended = commands.harness(*asked)
    assert ended.code == 9 and "turned, mnist-mlp: refuted" in ended.err
    assert "1 of 2 claims" in ended.err
    sweep(tmp_path, answers)
    assert commands.harness(*asked).code == 3
    assert commands.harness("table", tmp_path, "--check").code == 2
