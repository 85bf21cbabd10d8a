"""The search for a cure, with trainings that are given by what they need."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.studies.search import Oracle, Settings, Trial, cure

CANDIDATES = (("seeding", "all"), ("hash_seed", 0), ("determinism", "on"), ("cpus", 1))


def training(is_stable: Callable[[set[str]], bool], fails: str = "") -> tuple[Oracle, list[str]]:
    asked: list[str] = []

    def oracle(settings: Settings) -> Trial:
        asked.append("+".join(settings))
        stable = is_stable(set(settings))
        completed = 0 if fails in settings else 3
        return Trial(
            settings=settings,
            repeats=3,
            completed=completed,
            distinct={"weights": 1 if stable else 3},
        )

    return oracle, asked


def test_the_cheapest_setting_that_is_enough_ends_the_search() -> None:
    oracle, asked = training(lambda names: "hash_seed" in names)
    result = cure(CANDIDATES, oracle)
    assert result.trial is not None and result.trial.settings == {"hash_seed": 0}
    assert asked == ["seeding", "hash_seed"]


@pytest.mark.parametrize(
    "needed", [{"seeding", "cpus"}, {"seeding", "hash_seed"}, {"determinism", "cpus"}]
)
def test_of_a_set_only_what_is_needed_stays(needed: set[str]) -> None:
    oracle, _ = training(lambda names: needed <= names)
    result = cure(CANDIDATES, oracle)
    assert result.trial is not None and set(result.trial.settings) == needed
    shown = {name for name, trial in result.without.items() if not trial.is_stable}
    assert shown <= needed


def test_where_nothing_helps_there_is_no_cure() -> None:
    oracle, asked = training(lambda names: False)
    assert cure(CANDIDATES, oracle).trial is None
    assert asked[-1] == "seeding+hash_seed+determinism+cpus"


def test_a_setting_with_which_it_cannot_run_is_left_out_of_the_set() -> None:
    oracle, asked = training(lambda names: {"seeding", "cpus"} <= names, fails="determinism")
    result = cure(CANDIDATES, oracle)
    assert result.trial is not None and set(result.trial.settings) == {"seeding", "cpus"}
    assert asked[4] == "seeding+hash_seed+cpus"
