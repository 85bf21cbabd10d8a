"""Claims in a matrix file: what they say is kept, and what is wrong is said at its place."""

from __future__ import annotations

import pytest

from harness.matrix import cells, json_schema, reading
from harness.matrix.claim import Claim, Expectation
from harness.matrix.text import Problems

HEAD = """schema: 1
name: x
environments: {tensorflow: [2.10.1, 2.15.1]}
axes: {workload: [mnist-mlp, mnist-cnn], threads: [1, 2], seeding: [all, tf]}
include: {workload: mnist-augmented, threads: 4}
exclude: {threads: 2, seeding: tf, workload: mnist-cnn, because: dull}
claims:
"""
"""The claims begin in line 8."""


def problems_of(claims: str) -> list[str]:
    problems = Problems()
    assert (reading.parse(HEAD + claims, problems) is None) == bool(problems.found)
    return [f"{p.line}:{p.column}: {p.message}" for p in sorted(problems.found)]


def claims_of(claims: str) -> tuple[Claim, ...]:
    problems = Problems()
    matrix = reading.parse(HEAD + claims, problems)
    assert matrix is not None, problems.found
    return matrix.claims


def test_claims_are_kept_as_they_are_written() -> None:
    first, second, third = claims_of(
        '- {id: one, says: "a  b", source: here, where: {seeding: tf, tensorflow: "2.1*"},'
        " expect: stable}\n"
        "- {id: two, says: c, expect: {different over: threads}}\n"
        "- {id: three, says: d, where: {workload: mnist-mlp},"
        " expect: {stable with: {seeding: all}, unstable with: {seeding: tf}}}\n"
    )
    assert first == Claim(
        id="one",
        says="a b",
        source="here",
        where={"seeding": ("tf",), "tensorflow": ("2.1*",)},
        expect=Expectation(kind="stable"),
    )
    assert second.expect == Expectation(kind="different", over="threads")
    assert str(third.expect) == "stable with seeding=all, unstable with seeding=tf"


def test_one_claim_may_stand_without_a_list() -> None:
    assert len(claims_of("  {id: one, says: a, expect: stable}\n")) == 1


def test_all_that_is_wrong_is_said_at_its_place() -> None:
    found = problems_of(
        "- {id: one, says: x, where: {seeding: tff, thread: 1}, expect: stabel}\n"
        "- {id: two, says: y, expect: {different over: thread}}\n"
        "- {id: three, expect: {stable with: {seeding: all}}}\n"
        "- {id: Four, says: [], expect: {stable with: {}, unstable with: {workload: mnist-mlp}}}\n"
        "- {id: five, says: x, expect: stable}\n"
        "- {id: five, says: x, expect: stable}\n"
        "- nothing\n"
    )
    expected = (
        "8:39: seeding cannot be 'tff'",
        "8:44: unknown key 'thread' in where; perhaps you meant 'threads'",
        "8:64: expect cannot be 'stabel'",
        "9:47: different over: there is no axis 'thread'; perhaps you meant 'threads'",
        "10:3: a claim needs `says`",
        "10:23: expect must be one of",
        "11:8: the id 'Four' of a claim needs small letters",
        "11:20: says must be a single value",
        "11:46: `stable with` needs at least one axis",
        "11:65: `unstable with` compares cells of one workload",
        "13:8: another claim has the id 'five'",
        "14:3: a claim must be a mapping",
    )
    assert len(found) == len(expected)
    for problem, start in zip(found, expected, strict=True):
        assert problem.startswith(start)


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (
            'where: {seeding: [tf, none], tensorflow: "2.16*"}, expect: stable',
            [
                "8:44: no cell of this matrix has seeding=none",
                "8:63: no cell of this matrix has tensorflow=2.16*",
            ],
        ),
        (
            "where: {workload: mnist-augmented, threads: 1}, expect: stable",
            ["8:29: no cell of this matrix has workload=mnist-augmented, threads=1"],
        ),
        (
            "where: {workload: mnist-cnn, threads: 2, seeding: tf}, expect: stable",
            ["8:29: no cell of this matrix has workload=mnist-cnn, threads=2, seeding=tf; excl"],
        ),
        (
            "expect: {equal over: jit}",
            ["8:43: no two cells that this claim is about have other values of jit"],
        ),
        (
            "where: {threads: 4}, expect: {stable with: {seeding: all}, unstable with: "
            "{seeding: tf}}",
            ["8:96: no cell of this matrix has threads=4, seeding=tf"],
        ),
    ],
)
def test_a_claim_about_cells_that_the_matrix_has_not_is_wrong(
    claim: str, expected: list[str]
) -> None:
    found = problems_of(f"- {{id: one, says: x, {claim}}}\n")
    assert len(found) == len(expected), found
    for problem, start in zip(found, expected, strict=True):
        assert problem.startswith(start)


def test_machines_are_no_cells_of_a_matrix_and_may_be_compared() -> None:
    assert claims_of("- {id: one, says: x, expect: {equal over: machine}}\n")


def test_globs_of_versions_take_what_was_asked_and_nothing_else() -> None:
    problems = Problems()
    matrix = reading.parse(HEAD + "- {id: a, says: b, expect: stable}\n", problems)
    assert matrix is not None

    def versions(glob: str) -> set[str]:
        fitting = (
            cell
            for cell in cells.cells(matrix)
            if cells.fits({"tensorflow": (glob,)}, cell.environment, cell.values)
        )
        return {cell.environment.tensorflow for cell in fitting}

    assert versions("2.1*") == {"2.10.1", "2.15.1"}
    assert versions("2.1?.1") == {"2.10.1", "2.15.1"}
    assert versions("2.10*") == {"2.10.1"}
    assert versions("*.2") == set()


def test_editors_know_claims() -> None:
    claim = json_schema.schema()["properties"]["claims"]["anyOf"][0]
    assert set(claim["required"]) == {"id", "says", "expect"}
