"""Where a difference began, on traces made by hand: each kind, its place, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from harness.analysis import origins
from harness.results.blobs import Arrays
from harness.runner.trace import Trace

EPOCH = 4


def training(changed: Mapping[str, int] | None = None, *, skip: tuple[int, ...] = ()) -> Arrays:
    """A trace in which each name of `changed` differs from that step on.

    What a step leaves differs as soon as anything of it does.
    """
    made, changed, steps = Trace(), changed or {}, 8
    first = min([step for name, step in changed.items() if name != "random"], default=steps + 1)
    for step in range(steps + 1):
        if step in skip:
            continue
        epoch = 0 if step == 0 else (step - 1) // EPOCH + 1
        parts = {"trained": 1000 + step, "slots": 2000 + step if step else 0, "random": 5}
        if step:
            parts.update(inputs=3000 + step, targets=4000 + step)
        for name, since in changed.items():
            if step >= since:
                parts[name] = parts.get(name, 0) + 7
        if step >= max(first, 1):
            parts.update(trained=parts["trained"] + 9, slots=parts["slots"] + 9)
        made.add((1, 1, epoch, step), parts)
    columns: dict[str, Any] = dict(made.columns())
    return columns


def test_equal_traces_have_no_origin() -> None:
    assert origins.of_traces(training(), training()) == origins.NONE


@pytest.mark.parametrize(
    ("changed", "kind", "place"),
    [
        ({"trained": 0}, "other start", "before the first step"),
        ({"inputs": 5, "targets": 5}, "other data order", "epoch 2, step 1"),
        ({"inputs": 1, "targets": 1}, "other data order", "epoch 1, step 1"),
        ({"inputs": 2}, "other random numbers", "epoch 1, step 2"),
        ({"trained": 3}, "other arithmetic", "epoch 1, step 3"),
        ({"slots": 6}, "other arithmetic", "epoch 2, step 2"),
        ({"random": 1, "trained": 1}, "other random numbers", "epoch 1, step 1"),
    ],
)
def test_the_first_row_that_differs_says_what_it_was(
    changed: dict[str, int], kind: str, place: str
) -> None:
    origin = origins.of_traces(training(), training(changed))
    assert (origin.kind, origin.place) == (kind, place)


def test_random_numbers_that_never_act_are_no_origin() -> None:
    assert origins.of_traces(training(), training({"random": 0})) == origins.NONE


def test_steps_without_a_row_are_counted() -> None:
    sides = training(skip=(3, 4)), training({"trained": 4}, skip=(3, 4))
    origin = origins.of_traces(*sides)
    # The row of step 5 is the first of epoch 2.
    assert (origin.kind, origin.unseen, origin.equal) == ("other arithmetic", 2, 3)


def test_rows_that_only_one_side_has_do_not_count() -> None:
    origin = origins.of_traces(training(skip=(2,)), training({"trained": 2}))
    assert (origin.step, origin.unseen) == (3, 1)
    assert origin.place == "epoch 1, steps 2 to 3"


def test_a_batch_that_was_not_read_is_looked_for_in_the_next_row() -> None:
    one, other = training(), training({"trained": 4})
    for side in (one, other):
        side["inputs"] = side["inputs"].copy()
        side["inputs"][4] = 0
    assert origins.of_traces(one, other).kind == "other arithmetic"
