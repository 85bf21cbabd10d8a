"""The search for what explains a difference, with cells that are made up."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from itertools import combinations

import pytest

from harness.studies.explanation import Explanation, Hybrid, Oracle, explain, most_hybrids

Taken = frozenset[str]
FIVE = ("epochs", "threads", "hash_seed", "onednn", "versions")
THREE = FIVE[:3]


class Cells:
    """Hybrids whose weights, run by run, are made up; counts the runs that are made."""

    def __init__(
        self, weights: Callable[[Taken, int], str], obstacles: Mapping[str, str] | None = None
    ) -> None:
        self._weights = weights
        self._obstacles = obstacles or {}
        self.made: dict[Taken, int] = {}

    @property
    def runs(self) -> int:
        return sum(self.made.values())

    def __call__(self, taken: Taken, runs: int) -> Hybrid:
        self.made[taken] = max(runs, self.made.get(taken, 0))
        obstacle = next((self._obstacles[name] for name in taken if name in self._obstacles), "")
        is_end = taken in (frozenset(), frozenset(FIVE), frozenset(THREE))
        if obstacle and not is_end:
            return Hybrid(taken=taken, asked=1, completed=0, weights=(), obstacle=obstacle)
        left = tuple(dict.fromkeys(self._weights(taken, run) for run in range(runs)))
        return Hybrid(taken=taken, asked=runs, completed=runs, weights=left)


def needs(*names: str) -> Callable[[Taken, int], str]:
    """B's weights where all of these are B's, else A's."""
    return lambda taken, run: "b" if set(names) <= taken else "a"


def asked(explanation: Explanation) -> list[set[str]]:
    return [set(each.taken) for each in explanation.tried]


def runs_of(explanation: Explanation, *taken: str) -> int:
    hybrid = explanation.of(taken)
    assert hybrid is not None
    return hybrid.completed


@pytest.mark.parametrize("name", FIVE)
def test_one_of_five_is_found_in_at_most_twelve_runs_and_shown_both_ways(name: str) -> None:
    cells = Cells(needs(name))
    found = explain(FIVE, cells, repeats=2)
    assert (found.state, found.sets, found.is_smallest) == ("explained", ((name,),), True)
    assert cells.runs <= 12
    a, b = found.ends
    with_it, without = found.of({name}), found.of(set(FIVE) - {name})
    assert with_it is not None and without is not None
    assert (with_it.bits, without.bits) == (b.bits, a.bits) == ("b", "a")
    assert {each.completed for each in (a, b, with_it, without)} == {2}


def test_a_single_that_is_enough_ends_the_search_and_the_cheapest_is_first() -> None:
    found = explain(FIVE, Cells(needs("threads")), repeats=2)
    others = set(FIVE) - {"threads"}
    assert asked(found) == [set(), set(FIVE), {"epochs"}, {"threads"}, others]


@pytest.mark.parametrize("groups", [THREE, FIVE])
@pytest.mark.parametrize("pair", list(combinations(THREE, 2)))
def test_groups_that_act_only_together_are_found(
    groups: tuple[str, ...], pair: tuple[str, str]
) -> None:
    """Here one at a time is wrong: each alone leaves A's bits, so nothing would explain B's."""
    cells = Cells(needs(*pair))
    found = explain(groups, cells, repeats=2)
    singles = [found.of({name}) for name in groups]
    assert [each.bits for each in singles if each] == ["a"] * len(groups)
    assert (found.sets, found.is_smallest) == ((pair,), True)
    assert all(each and each.bits == "a" for each in found.without(pair).values())
    rest = found.of(set(groups) - set(pair))
    assert rest is not None and rest.bits == "a" and rest.completed == 2


def test_three_of_five_that_matter_are_found_with_the_bits_that_each_leaves_alone() -> None:
    three = ("epochs", "onednn", "versions")

    def weights(taken: Taken, run: int) -> str:
        return "+".join(name for name in three if name in taken)

    found = explain(FIVE, Cells(weights), repeats=2)
    assert found.sets == (three,)
    assert found.rest == ("threads", "hash_seed")
    singles = [found.of({name}) for name in FIVE]
    letters = [found.letters[each.weights[0]] for each in singles if each]
    assert letters == ["C", "A", "A", "D", "E"]


def test_where_one_or_the_other_is_enough_both_are_named() -> None:
    def weights(taken: Taken, run: int) -> str:
        return "b" if taken & {"threads", "onednn"} else "a"

    for groups in (FIVE, ("threads", "hash_seed", "onednn")):
        found = explain(groups, Cells(weights), repeats=2)
        assert found.sets == (("threads",), ("onednn",))
        rest = found.of(found.rest)
        assert rest is not None and (rest.bits, rest.completed) == ("a", 2)


def test_of_few_groups_overlapping_sets_are_all_named() -> None:
    def weights(taken: Taken, run: int) -> str:
        return "b" if "threads" in taken and len(taken) > 1 else "a"

    found = explain(THREE, Cells(weights), repeats=2)
    assert found.sets == (("epochs", "threads"), ("threads", "hash_seed"))


def test_the_only_group_is_shown_by_the_ends() -> None:
    cells = Cells(needs("threads"))
    found = explain(("threads",), cells, repeats=2)
    assert (found.sets, cells.runs) == ((("threads",),), 4)


def test_ends_that_are_equal_have_nothing_to_explain() -> None:
    cells = Cells(lambda taken, run: "a")
    found = explain(FIVE, cells, repeats=2)
    assert (found.state, found.sets, cells.runs) == ("equal", (), 4)


def test_an_unstable_end_ends_the_search() -> None:
    cells = Cells(lambda taken, run: f"{run}" if taken else "a")
    found = explain(FIVE, cells, repeats=3)
    assert (found.state, found.sets, cells.runs) == ("unstable", (), 6)


def test_what_left_bs_bits_once_only_explains_nothing() -> None:
    """Each group alone leaves B's bits in its first run, and others in the second."""

    def weights(taken: Taken, run: int) -> str:
        is_single = len(taken) == 1
        return f"b{run}" if is_single and run else "b" if taken else "a"

    found = explain(FIVE, Cells(weights), repeats=2)
    assert [found.of({name}) and len(found.of({name}).weights) for name in FIVE] == [2] * 5  # type: ignore[union-attr]
    assert all(len(each) > 1 for each in found.sets)
    confirmed = [found.of(each) for each in found.sets]
    assert all(each and each.bits == "b" and each.completed == 2 for each in confirmed)


def test_where_no_hybrid_can_run_all_groups_together_are_the_answer_and_none_is_shown() -> None:
    obstacles = dict.fromkeys(FIVE, "no wheel")
    found = explain(FIVE, Cells(needs("threads"), obstacles), repeats=2)
    assert (found.sets, found.is_smallest) == ((FIVE,), False)
    assert not any(each and each.is_complete for each in found.without(FIVE).values())


def test_a_hybrid_that_cannot_run_counts_as_nothing() -> None:
    """What cannot be tried alone stays in the set, and is not shown to be needed."""
    cells = Cells(needs("threads", "versions"), obstacles={"versions": "no wheel"})
    found = explain(FIVE, cells, repeats=2)
    assert found.state == "explained"
    assert {"threads", "versions"} <= set(found.sets[0])
    alone = found.of({"versions"})
    assert alone is not None and alone.obstacle == "no wheel" and not alone.is_complete
    assert cells.made[frozenset({"versions"})] == 1, "it is not asked for again"
    assert not found.is_smallest


def test_the_end_that_cannot_run_is_said() -> None:
    def oracle(taken: Taken, runs: int) -> Hybrid:
        failed = bool(taken)
        left = () if failed else ("a",)
        return Hybrid(
            taken=taken, asked=runs, completed=0 if failed else runs, weights=left, obstacle="x"
        )

    assert explain(FIVE, oracle, repeats=2).state == "incomplete"


@pytest.mark.parametrize("size", [2, 3, 4, 5, 6])
def test_whatever_the_cells_leave_the_answer_is_shown_and_the_runs_are_bounded(size: int) -> None:
    """Random weights for every hybrid: no order, no monotony."""
    groups = tuple("uvwxyz"[:size])
    for seed in range(100):
        table = random.Random(seed)
        left = {
            frozenset(taken): table.choice("aabc")
            for n in range(1, size)
            for taken in combinations(groups, n)
        }
        left |= {frozenset(): "a", frozenset(groups): "b"}
        oracle: Oracle = lambda taken, runs, left=left: Hybrid(  # type: ignore[misc] # noqa: E731
            taken=taken, asked=runs, completed=runs, weights=(left[taken],)
        )
        found = explain(groups, oracle, repeats=2)
        assert found.state == "explained"
        for each in found.sets:
            assert left[frozenset(each)] == "b"
            assert all(left[frozenset(each) - {name}] != "b" for name in each)
            assert all(known is not None for known in found.without(each).values())
        assert len(found.tried) - 2 <= most_hybrids(size), (seed, len(found.tried))
