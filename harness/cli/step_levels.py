"""Levels 2 and 3 of `diff`: the first step that differs, made again, and from the other's state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.analysis import origins
from harness.cli.step_experiment import End, StepExperiment
from harness.errors import HarnessError
from harness.executors.watched_runs import Watched
from harness.results.blobs import Arrays
from harness.runner.trace import Watch
from harness.studies import one_bit, step_difference, step_study
from harness.studies.run_origins import Pair
from harness.studies.step_difference import Part
from harness.studies.step_study import StepStudy, Transplant

_Traces = Sequence[Arrays | None]


@dataclass(frozen=True, kw_only=True)
class _Made:
    """The step of both sides, recorded whole by `watch`."""

    watch: Watch
    sides: Sequence[Watched]
    is_repeated: bool


def study(
    experiment: StepExperiment, pair: Pair, ends: Sequence[End], *, transplants: bool
) -> StepStudy:
    """Make the first step that differs again on both sides; and B's from A's state.

    Raises:
        HarnessError: a cell cannot run here, or did not get that far.
    """
    origin, last, is_repeated = pair.origin, pair.origin.in_all or 1, True
    traces: _Traces = [run.trace() for run in (pair.one, pair.other)]
    if origin.unseen:
        dense = _with_every_row(experiment, ends, origin.unseen, last)
        is_repeated = step_study.are_same(traces, dense, last)
        origin, traces = origins.of_unequal(*dense), dense
    made = _made(experiment, ends, traces, origin.in_all or last)
    one, other = (side.step for side in made.sides)
    parts = step_difference.compare(one, other)
    transplant, obstacle = None, ""
    if transplants:
        try:
            transplant = _transplanted(experiment, ends, made)
        except HarnessError as error:
            obstacle = str(error)
    return StepStudy(
        origin=origin,
        is_narrowed=bool(pair.origin.unseen),
        has_outputs=made.watch.outputs,
        parts=parts,
        control=one_bit.of_parts(one, other, parts),
        is_repeated=is_repeated and made.is_repeated,
        transplant=transplant,
        obstacle=obstacle,
    )


def _with_every_row(
    experiment: StepExperiment, ends: Sequence[End], unseen: int, last: int
) -> list[Arrays]:
    """Traces with a row for each of the steps that had none, for the one before, and the last."""
    watch = Watch(max(1, last - unseen - 1), last, None)
    return [experiment.watched(end, watch).trace for end in ends]


def _made(experiment: StepExperiment, ends: Sequence[End], traces: _Traces, step: int) -> _Made:
    """The step with all that is computed in it; without layers' outputs where these change it."""
    for outputs in (True, False):
        watch = Watch(step, step, step, outputs=outputs)
        sides = [experiment.watched(end, watch) for end in ends]
        is_repeated = step_study.are_same(traces, [side.trace for side in sides], step)
        if is_repeated:
            break
    return _Made(watch=watch, sides=sides, is_repeated=is_repeated)


def _transplanted(experiment: StepExperiment, ends: Sequence[End], made: _Made) -> Transplant:
    whole = made.sides[0].step
    state = step_study.state_of(whole, made.watch.last)
    watch = Watch(1, 1, 1, outputs=made.watch.outputs)
    own, theirs = (experiment.watched(end, watch, state).step for end in ends)
    compared = [step_difference.compare(whole, each) for each in (own, theirs)]
    return Transplant(
        own=compared[0], theirs=compared[1], control=_control(whole, (own, theirs), compared)
    )


def _control(whole: Arrays, made: Sequence[Arrays], compared: Sequence[Sequence[Part]]) -> str:
    controls = (one_bit.of_parts(whole, *each) for each in zip(made, compared, strict=True))
    return next(filter(None, controls), "")
