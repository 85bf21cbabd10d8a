"""What is said about a cell that is made stable, with trials that are made up."""

from __future__ import annotations

from collections.abc import Callable

from harness.studies import stability
from harness.studies.search import Cure, Oracle, Settings, Trial, cure

CANDIDATES = (("hash_seed", 0), ("determinism", "on"), ("threads", 1))


def trial(settings: Settings, *, stable: bool) -> Trial:
    return Trial(
        settings=settings, repeats=3, completed=3, distinct={"weights": 1 if stable else 3}
    )


def cured(is_stable: Callable[[set[str]], bool]) -> Cure:
    oracle: Oracle = lambda settings: trial(settings, stable=is_stable(set(settings)))  # noqa: E731
    return cure(CANDIDATES, oracle)


BASE = trial({}, stable=False)


def test_one_setting_that_is_enough_is_shown_needed_by_the_cell_as_it_is() -> None:
    lines = stability.sentences(BASE, cured(lambda names: "determinism" in names))
    assert lines[:3] == [
        "Stable with determinism=on (3 of 3 equal).",
        "Unstable without determinism (3 different weights in 3 runs).",
        "In a matrix: {determinism: on}.",
    ]
    assert "enable_op_determinism()" in lines[3]
    assert lines[-1].startswith("3 equal runs leave room for a difference that strikes up to 63%")


def test_of_a_pair_each_is_shown_needed_by_the_other_one_alone() -> None:
    lines = stability.sentences(BASE, cured(lambda names: {"hash_seed", "threads"} <= names))
    assert lines[:2] == [
        "Stable with hash_seed=0, threads=1 (3 of 3 equal).",
        "Unstable without hash_seed (3 different weights in 3 runs); without threads (3 different"
        " weights in 3 runs).",
    ]


def test_where_nothing_helps_or_nothing_is_wrong_that_is_said() -> None:
    assert stability.sentences(BASE, cured(lambda names: False)) == [
        "Unstable as it is (3 different weights in 3 runs), and no setting tried makes it stable."
    ]
    first, _ = stability.sentences(trial({}, stable=True), None)
    assert first == "Stable as it is: 3 of 3 equal."
