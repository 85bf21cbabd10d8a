"""What is said about a difference: the answer first, and never more than the runs show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pytest
from results_factory import SweepOnDisk, cell

from harness.studies import explained, hybrid_table, setting_groups
from harness.studies.explained import Study
from harness.studies.explanation import Hybrid, explain
from harness.studies.hybrid_table import Row

Weights = Callable[[set[str], int], str]

A = cell(threads=1, inter_threads=1, hash_seed=0, onednn="on")
B = cell(threads=2, inter_threads=2, hash_seed=1, onednn="off")
SWEEP = SweepOnDisk(root=Path())
GROUPS = setting_groups.groups(
    A, B, SWEEP.record(A, 1, "completed"), SWEEP.record(B, 1, "completed")
)
NAMES = tuple(group.name for group in GROUPS)


def study(
    weights: Weights,
    *,
    groups: int = 4,
    obstacles: Mapping[str, str] | None = None,
    recorded: tuple[str, str] = ("a", "b"),
) -> Study:
    """The study of the first so many groups; a hybrid with one of `obstacles` alone cannot run."""

    def oracle(taken: frozenset[str], runs: int) -> Hybrid:
        obstacle = (obstacles or {}).get("+".join(sorted(taken)), "")
        completed = 0 if obstacle else runs
        left = tuple(dict.fromkeys(weights(set(taken), run) for run in range(completed)))
        return Hybrid(taken=taken, asked=runs, completed=completed, weights=left, obstacle=obstacle)

    return Study(
        groups=GROUPS[:groups],
        explanation=explain(NAMES[:groups], oracle, repeats=2),
        recorded=(frozenset({recorded[0]}), frozenset({recorded[1]})),
        surroundings=("machine here → there",),
        repeats=2,
    )


def needing(*names: str) -> Weights:
    return lambda taken, run: "b" if set(names) <= taken else "a"


BOUND = (
    "2 equal runs leave room for a difference that strikes up to 78% of runs (95 % confidence);"
    " --repeats looks closer."
)


def test_one_setting_alone_is_said_with_what_is_ruled_out_and_the_bound() -> None:
    assert NAMES == ("threads", "inter_threads", "onednn", "hash_seed")
    assert explained.sentences(study(needing("threads"))) == [
        "threads 1 → 2 alone explains it: A with it leaves B's bits (2 of 2 equal).",
        "B without it leaves A's bits (2 of 2 equal).",
        "Ruled out, as nothing changes with or without it: inter_threads 1 → 2, onednn on → off"
        " and hash_seed 0 → 1.",
        BOUND,
    ]


def test_of_two_that_act_together_each_is_shown_to_be_needed() -> None:
    lines = explained.sentences(study(needing("threads", "onednn")))
    assert lines == [
        "threads 1 → 2 and onednn on → off explain it together: A with them leaves B's bits"
        " (2 of 2 equal).",
        "B without them leaves A's bits (2 of 2 equal).",
        "Ruled out, as nothing changes with or without them: inter_threads 1 → 2 and hash_seed"
        " 0 → 1.",
        "No member can be left out: without threads: A's bits (1 run); without onednn: A's bits"
        " (1 run).",
        BOUND,
    ]


def test_either_of_two_is_said_and_nothing_is_ruled_out_that_counts() -> None:
    lines = explained.sentences(
        study(lambda taken, run: "b" if taken & {"threads", "onednn"} else "a")
    )
    assert lines[1] == (
        "Enough without it, too: onednn on → off. And with none of these B leaves A's bits"
        " (2 of 2 equal)."
    )
    assert not any("Ruled out" in line for line in lines)


def test_what_counts_only_without_the_answer_is_not_ruled_out() -> None:
    def weights(taken: set[str], run: int) -> str:
        return "b" if "threads" in taken else "c" if "onednn" in taken else "a"

    lines = explained.sentences(study(weights))
    assert lines[1].startswith("But B without it leaves other bits (C) (2 of 2 equal): inter")
    assert not any("Ruled out" in line for line in lines)


def test_the_only_difference_needs_no_hybrid() -> None:
    first = explained.sentences(study(needing("threads"), groups=1))[0]
    assert first == (
        "threads 1 → 2: nothing else that can be asked for differs, and it changes the bits"
        " (A: 2 of 2 equal; B: 2 of 2 equal)."
    )


def test_ends_that_are_equal_here_are_said_and_what_else_differs() -> None:
    first, *rest = explained.sentences(study(lambda taken, run: "a"))
    assert first.startswith("Not explained: here both leave the same bits (A: 2 of 2 equal;")
    assert first.endswith("beside that differs: machine here → there.")
    assert rest[0].startswith("B leaves other bits here than were recorded")


def test_an_end_that_does_not_leave_what_was_recorded_is_said() -> None:
    lines = explained.sentences(study(needing("threads"), recorded=("x", "b")))
    assert any(line.startswith("A leaves other bits here than were recorded") for line in lines)


def test_an_unstable_end_points_to_stable() -> None:
    lines = explained.sentences(study(lambda taken, run: f"b{run}" if taken else "a"))
    assert lines[0].startswith("B is unstable here (2 different weights in 2 runs):")
    assert "what makes B stable? --stable looks for it." in lines[1]


def test_an_end_without_a_result_is_said_with_the_reason() -> None:
    every = "+".join(sorted(NAMES))
    lines = explained.sentences(study(needing("threads"), obstacles={every: "failed: no layer."}))
    assert lines == ["B gives no result here: failed: no layer."]


def test_a_hybrid_without_a_result_is_named_and_nothing_is_said_about_it() -> None:
    obstacles = {"threads": "unsupported: no such kernel"}
    lines = explained.sentences(study(needing("threads", "onednn"), obstacles=obstacles))
    assert (
        "No result, so nothing is said about: A with threads=2: unsupported: no such kernel."
        in lines
    )
    needed = next(line for line in lines if line.startswith("No member"))
    assert "(not every smaller set was tried)" in needed
    assert "without onednn: no one result (unsupported: no such kernel)" in needed


@pytest.mark.parametrize(
    ("taken", "name"),
    [
        ((), "A"),
        (NAMES, "B"),
        (NAMES[:1], "A with threads=2"),
        (NAMES[:2], "A with threads=2, inter_threads=2"),
        (NAMES[1:], "B with threads=1"),
    ],
)
def test_a_hybrid_is_named_by_what_it_has_of_the_other(taken: tuple[str, ...], name: str) -> None:
    hybrid = Hybrid(taken=frozenset(taken), asked=1, completed=1, weights=("a",))
    assert explained.name_of(GROUPS, hybrid) == name


def test_the_table_has_a_letter_for_each_weights() -> None:
    def weights(taken: set[str], run: int) -> str:
        if taken == {"threads"}:
            return f"t{run}"
        return "+".join(sorted(taken & {"inter_threads", "onednn"}))

    found = study(weights, obstacles={"hash_seed": "unavailable: nothing there\nof the kind"})
    tried = found.explanation.tried
    rows = [Row(name=explained.name_of(GROUPS, each), cell="cell", hybrid=each) for each in tried]
    frame = hybrid_table.frame(rows, found.explanation.letters).set_index("hybrid")
    assert list(frame["class"].loc[["A", "B"]]) == ["A", "B"]
    single = frame.loc["A with inter_threads=2"]
    assert (single["class"], single["status"], single["runs"]) == ("D", "completed", 1)
    lame = frame.loc["A with hash_seed=1"]
    assert (lame["status"], lame["runs"]) == ("unavailable", 0)
    assert pd.isna(lame["class"])
