"""Between which two neighbours of a series the bits changed: the search, without its runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Bits = Callable[[str], str | None]
"""What a point of the series leaves; None where it cannot run or its runs differ."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """Two points of a series with other bits, and no point between them that could be tried.

    `passed_over` are those between them that could not. `is_last` says that `after` has the bits
    of the series' end already: where it has not, the bits change again later.
    """

    before: str
    after: str
    passed_over: tuple[str, ...]
    is_last: bool


def most_trials(points: int) -> int:
    """How many points between the two ends are tried at most, if all of them can be."""
    return math.ceil(math.log2(max(points - 1, 1)))


def first_step(points: Sequence[str], bits: Bits, *, is_ready: Callable[[str], bool]) -> Step:
    """The place where the bits of the first point end, found by halving.

    The ends of `points` must have different bits. Of the points in the middle half one is taken
    that `is_ready`, where there is one: the others cost an environment. Where bits change and
    change back, this is one of the places where they change.
    """
    first, last = bits(points[0]), bits(points[-1])
    low, high = 0, len(points) - 1
    passed_over: set[int] = set()
    while left := [place for place in range(low + 1, high) if place not in passed_over]:
        place = _middle(left, lambda place: is_ready(points[place]))
        found = bits(points[place])
        if found is None:
            passed_over.add(place)
        elif found == first:
            low = place
        else:
            high = place
    return Step(
        before=points[low],
        after=points[high],
        passed_over=tuple(points[place] for place in range(low + 1, high)),
        is_last=bits(points[high]) == last,
    )


def _middle(places: Sequence[int], is_ready: Callable[[int], bool]) -> int:
    """The place next to the middle; one that is ready, if the middle half has one."""
    quarter = len(places) // 4
    near = places[quarter : len(places) - quarter]
    choice = [place for place in near if is_ready(place)] or near
    centre = places[len(places) // 2]
    return min(choice, key=lambda place: abs(place - centre))
