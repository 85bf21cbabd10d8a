"""Where a difference began, on traces made by hand: each kind, its place, and what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.analysis import model_differences, origins
from harness.analysis.model_differences import Model
from harness.analysis.origins import Origin
from harness.results.blobs import Arrays
from harness.runner import hashing
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


def test_steps_without_a_row_are_counted_and_leave_it_undecided() -> None:
    sides = training(skip=(3, 4)), training({"trained": 4}, skip=(3, 4))
    origin = origins.of_traces(*sides)
    # The row of step 5 is the first of epoch 2.
    assert (origin.kind, origin.unseen, origin.equal) == ("undecided", 2, 3)
    assert origin.where.startswith("the state before it has no row in both traces; epoch 2, steps")


def test_rows_that_only_one_side_has_do_not_count() -> None:
    origin = origins.of_traces(training(skip=(2,)), training({"trained": 2}))
    assert (origin.step, origin.unseen) == (3, 1)
    assert origin.place == "epoch 1, steps 2 to 3"


def unread(trace: Arrays, *parts: str) -> Arrays:
    """The trace, as if these parts of its batches had not been seen."""
    return {**trace, **{name: np.zeros_like(trace[name]) for name in parts}}


@pytest.mark.parametrize(
    ("changed", "unseen", "reason"),
    [
        ({"trained": 4}, ("inputs", "targets"), "the batch of the step was not read"),
        ({"inputs": 4}, ("targets",), "without targets another order and other random numbers"),
    ],
)
def test_what_a_batch_does_not_show_is_not_guessed(
    changed: dict[str, int], unseen: tuple[str, ...], reason: str
) -> None:
    origin = origins.of_traces(unread(training(), *unseen), unread(training(changed), *unseen))
    assert (origin.kind, origin.in_all) == ("undecided", 4)
    assert origin.reason.startswith(reason)


def test_a_start_without_a_row_is_not_taken_for_equal() -> None:
    origin = origins.of_traces(training(skip=(0,)), training({"trained": 0}, skip=(0,)))
    assert (origin.kind, origin.place) == ("undecided", "epoch 1, step 1")


def test_traces_without_a_common_row_are_not_said_to_be_equal() -> None:
    one, other = training(skip=(*range(5),)), training(skip=(*range(5, 9),))
    assert origins.of_unequal(one, other) == origins.undecided("no step has a row in both")
    so_far = origins.undecided("equal as far as the traces go")
    assert origins.of_unequal(training(), training()) == so_far


def test_another_regime_is_read_where_nothing_else_differs_before(tmp_path: Path) -> None:
    """Epochs that the longer one goes on for; a batch of another size; but not a start."""
    found = {
        changed: regime_origin(tmp_path / name, training(dict(changed)))
        for name, changed in (
            ("epochs", ()),
            ("batch", (("inputs", 1), ("targets", 1))),
            ("start", (("trained", 0),)),
        )
    }
    assert [str(each) for each in found.values()] == [
        "other regime (epochs 1 → 2)",
        "other regime (epochs 1 → 2; epoch 1, step 1)",
        "other start (before the first step)",
    ]


def test_another_regime_without_a_trace_is_undecided(tmp_path: Path) -> None:
    assert str(regime_origin(tmp_path, None)) == "undecided (epochs 1 → 2, no trace)"


def regime_origin(blobs: Path, other: Arrays | None) -> Origin:
    """The origin of two trainings over one epoch and two."""
    models = [
        Model(
            blobs=blobs,
            data_sha256="d",
            init_sha256="i",
            weights_sha256=f"w{epochs}",
            predictions_sha256="",
            metric="",
            value=0.0,
            trace_sha256=stored(blobs, trace) if trace and other else "",
            regime=(epochs, "32", "600"),
        )
        for epochs, trace in (("1", training()), ("2", other))
    ]
    return model_differences.origin_of(*models)


def stored(blobs: Path, trace: Arrays) -> str:
    sha256 = hashing.digest_of_arrays(list(trace), list(trace.values()))
    path = blobs / "traces" / f"{sha256}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    hashing.write_arrays(str(path), list(trace), list(trace.values()))
    return sha256
