"""The search for the release that changed bits, with releases that are made up."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from harness.studies.version_search import Step, first_step, most_trials

RELEASES = tuple(f"2.{minor}" for minor in range(4, 22))


class Bits:
    """What releases leave, and which of them were asked for."""

    def __init__(self, of: Mapping[str, str | None]) -> None:
        self._of = of
        self.asked: dict[str, None] = {}

    def __call__(self, release: str) -> str | None:
        self.asked[release] = None
        return self._of[release]


def changing(*places: int) -> Bits:
    """Other bits from each of these places on."""
    return Bits(
        {name: f"{sum(place >= each for each in places)}" for place, name in enumerate(RELEASES)}
    )


@pytest.mark.parametrize("place", range(1, len(RELEASES)))
def test_the_release_that_changed_them_is_found_in_few_trials(place: int) -> None:
    bits = changing(place)
    found = first_step(RELEASES, bits, is_ready=lambda release: False)
    expected = Step(before=RELEASES[place - 1], after=RELEASES[place], passed_over=(), is_last=True)
    assert found == expected
    assert len(bits.asked) - 2 <= most_trials(len(RELEASES)) == 5


def test_bits_that_change_again_are_said_to() -> None:
    found = first_step(RELEASES, changing(3, 9), is_ready=lambda release: False)
    assert (found.before, found.after, found.is_last) == (RELEASES[2], RELEASES[3], False)


def test_what_cannot_run_is_passed_over_and_named_where_it_may_have_been_the_one() -> None:
    of: dict[str, str | None] = {name: f"{place >= 9}" for place, name in enumerate(RELEASES)}
    of |= {RELEASES[8]: None, RELEASES[9]: None, RELEASES[3]: None}
    found = first_step(RELEASES, Bits(of), is_ready=lambda release: False)
    assert (found.before, found.after) == (RELEASES[7], RELEASES[10])
    assert found.passed_over == (RELEASES[8], RELEASES[9])


def test_what_is_ready_is_taken_before_what_costs_an_environment() -> None:
    bits = changing(7)
    first_step(RELEASES, bits, is_ready={RELEASES[6], RELEASES[1]}.__contains__)
    assert list(bits.asked)[2] == RELEASES[6], "in the middle half, though not in the middle"
    bits = changing(7)
    first_step(RELEASES, bits, is_ready={RELEASES[1]}.__contains__)
    assert list(bits.asked)[2] != RELEASES[1], "one at the edge would spare too little"


def test_neighbours_need_no_trial() -> None:
    bits = Bits({"2.4": "a", "2.5": "b"})
    found = first_step(("2.4", "2.5"), bits, is_ready=lambda release: False)
    assert (found.before, found.after, len(bits.asked)) == ("2.4", "2.5", 2)
    assert most_trials(2) == 0
