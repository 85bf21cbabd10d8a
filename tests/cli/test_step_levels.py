"""Level 2 of `diff` where watching is not neutral: what it leaves out, and what it then claims."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest
from results_factory import cell

from harness.analysis import origins
from harness.cli import step_levels
from harness.cli.step_experiment import End, StepExperiment
from harness.executors.watched_runs import Watched
from harness.results.blobs import Arrays
from harness.runner.trace import Trace, Watch
from harness.studies.run_origins import Pair

ENDS = [End(cell=cell(threads=1)), End(cell=cell(threads=2))]


def trace(*trained: int) -> Arrays:
    made = Trace()
    for step, digest in enumerate(trained):
        made.add((1, 1, min(step, 1), step), {"trained": digest, "inputs": 1, "targets": 1})
    return cast(Arrays, dict(made.columns()))


class _Recorded:
    """A run of which nothing but its trace is asked."""

    def __init__(self, rows: Arrays) -> None:
        self._rows = rows

    def trace(self) -> Arrays:
        return self._rows


class _Watched(StepExperiment):
    """Runs whose weights after the step are changed by watching, where `is_changed` says so.

    No model is known here whose bits do change when results in between are fetched.
    """

    def __init__(self, is_changed: Callable[[Watch], bool]) -> None:
        self._is_changed = is_changed
        self.asked: list[Watch] = []

    def watched(self, end: End, watch: Watch, state: Arrays | None = None) -> Watched:
        self.asked.append(watch)
        own = 5 if end is ENDS[0] else 6
        step: dict[str, Any] = {"loss": np.full(1, own, "<f4")}
        return Watched(trace=trace(2, own + 10 * self._is_changed(watch)), step=step)


@pytest.mark.parametrize(
    ("is_changed", "tries", "has_outputs", "is_repeated"),
    [
        (lambda watch: False, 1, True, True),
        (lambda watch: watch.outputs, 2, False, True),
        (lambda watch: True, 2, False, False),
    ],
    ids=["neutral", "without outputs it is", "never"],
)
def test_outputs_of_layers_are_left_out_where_fetching_them_changes_bits(
    is_changed: Callable[[Watch], bool], tries: int, has_outputs: bool, is_repeated: bool
) -> None:
    rows = trace(2, 5), trace(2, 6)
    one, other = (cast(Any, _Recorded(each)) for each in rows)
    pair = Pair(one=one, other=other, origin=origins.of_traces(*rows))
    experiment = _Watched(is_changed)
    study = step_levels.study(experiment, pair, ENDS, transplants=False)
    assert len(experiment.asked) == 2 * tries
    assert (study.has_outputs, study.is_repeated) == (has_outputs, is_repeated)
