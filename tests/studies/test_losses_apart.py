"""What is said of the losses of two runs, on traces made by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from harness.results.blobs import Arrays
from harness.runner.trace import Trace
from harness.studies import run_origins, step_study

INF = math.inf


def trace(*losses: float) -> Arrays:
    made = Trace()
    for step, loss in enumerate(losses):
        made.add((1, 1, min(step, 1), step), {"trained": 1}, loss)
    columns: dict[str, Any] = dict(made.columns())
    return columns


def said(one: Arrays, other: Arrays) -> str:
    return " ".join(step_study.of_losses(run_origins.loss_differences(one, other)))


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [
        ((math.nan, 1.0, 2.0), (math.nan, 1.0, 2.0), "The losses in the traces are equal"),
        ((math.nan, 1.0, 2.0), (math.nan, 1.5, 2.0), "first differ at step 1, by 0.5; at step 2,"),
        ((math.nan, 1.0, 2.0), (math.nan, 1.5, 2.0), "the last with a row, they differ by 0."),
        ((math.nan, 1.0, 2.0), (math.nan, 1.0, 2.5), "at step 2, by 0.5, the last step with a row"),
        ((math.nan, INF), (math.nan, 1.0), "first differ at step 1, by inf"),
        ((math.nan, INF), (math.nan, INF), "are equal"),
    ],
)
def test_where_losses_differ_is_said(
    one: tuple[float, ...], other: tuple[float, ...], text: str
) -> None:
    assert text in said(trace(*one), trace(*other))


def test_of_losses_that_no_trace_has_nothing_is_claimed() -> None:
    assert said(trace(1.0, math.nan), trace(math.nan, 2.0)) == ""
