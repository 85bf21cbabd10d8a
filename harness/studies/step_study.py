"""What two watched steps, and one made from the other's state, say of a difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.analysis.origins import Origin
from harness.results.blobs import Arrays
from harness.runner.trace import STATE_STEP, UNSEEN
from harness.studies import run_origins, step_difference
from harness.studies.run_origins import Pair
from harness.studies.step_difference import Part
from harness.wording import counted

_COMPARED = ("inputs", "targets", "trained", "slots", "other")


@dataclass(frozen=True, kw_only=True)
class Transplant:
    """The step made from A's state: in A's own environment, which must leave A's bits, and in B's.

    Each is compared with the step as A made it; `control` says why parts that are equal are not
    verified to be, "" where they are.
    """

    own: Sequence[Part]
    theirs: Sequence[Part]
    control: str = ""

    @property
    def is_controlled(self) -> bool:
        """Whether A's step from A's state left A's bits, so that B's can be judged."""
        return step_difference.first_difference(self.own) is None


@dataclass(frozen=True, kw_only=True)
class StepStudy:
    """What is known of the first step that differs.

    `origin` is that of the recorded traces, or, where it `is_narrowed`, of traces with a row for
    each of the steps in question. `parts` compare the step of both sides, without the outputs of
    layers unless it `has_outputs`; `control` says why equal ones are not verified. `is_repeated`
    says whether all watched runs left what the runs left that were not watched. `transplant` is
    None where it was not asked for or not possible, `obstacle` says why.
    """

    origin: Origin
    is_narrowed: bool = False
    has_outputs: bool = True
    parts: Sequence[Part]
    control: str = ""
    is_repeated: bool
    transplant: Transplant | None = None
    obstacle: str = ""

    @property
    def unverified(self) -> tuple[str, ...]:
        """Every reason why something of it is not verified."""
        transplant = self.transplant
        reasons = (
            "" if self.is_repeated else _NOT_REPEATED,
            self.control,
            transplant.control if transplant else "",
            _NOT_CONTROLLED if transplant and not transplant.is_controlled else "",
        )
        return tuple(filter(None, reasons))


_NOT_REPEATED = (
    "a watched step did not leave what the run left that was not watched, so it went another way;"
    " this says how steps differ, not how these runs did"
)
_NOT_CONTROLLED = (
    "made from A's state, even A's own step leaves other bits (it draws on what cannot be carried"
    " over, such as random numbers), so B's says nothing"
)


def are_same(traces: Sequence[Arrays | None], again: Sequence[Arrays], step: int) -> bool:
    """Whether what was made again left what the runs left that were not watched.

    Of a row with one bit turned over it must not say so.
    """
    return all(
        trace is not None and same_row(trace, made, step) and not same_row(trace, other, step)
        for trace, made in zip(traces, again, strict=True)
        for other in [{**made, "trained": made["trained"] ^ np.uint64(1)}]
    )


def same_row(one: Arrays, other: Arrays, step: int) -> bool:
    """Whether two traces both have a row of this step, and it says the same of the step."""
    rows = [np.flatnonzero(side["step"] == step) for side in (one, other)]
    if not all(len(each) for each in rows):
        return False
    left, right = (int(each[0]) for each in rows)
    return all(
        one[name][left] == other[name][right] or UNSEEN in (one[name][left], other[name][right])
        for name in _COMPARED
    )


def state_of(step: Arrays, number: int) -> Arrays:
    """What a step, of this number from 1, begins with: its state for a transplant."""
    inputs = {name: each for name, each in step.items() if step_difference.is_input(name)}
    return {**inputs, STATE_STEP: np.array(number, "<i8")}


def of_pairs(pairs: Sequence[Pair]) -> list[str]:
    """What the traces say: one sentence per origin where there are several pairs."""
    apart = [pair for pair in pairs if pair.origin.kind]
    if not apart:
        runs = "all pairs of runs" if len(pairs) > 1 else "both runs"
        return [f"No difference: {runs} left the same weights."]
    if len(pairs) == 1:
        return [*_of_one(apart[0])]
    counts = Counter(_in_short(pair.origin) for pair in apart)
    lines = [f"{len(apart)} of {len(pairs)} pairs of runs differ."]
    lines += [f"{text}: in {count} of {len(pairs)} pairs." for text, count in counts.most_common()]
    return lines


def _of_one(pair: Pair) -> list[str]:
    origin = pair.origin
    lines = [f"They part by {origin}."]
    if origin.kind == "undecided":
        lines = [f"Where they part is undecided: {origin.where}."]
    if origin.in_all:
        rows = counted(origin.equal, "row")
        equal = f"{rows} of the traces before it {'is' if origin.equal == 1 else 'are'} equal"
        unseen = (
            f"; {counted(origin.unseen, 'step')} before it without a row" if origin.unseen else ""
        )
        lines.append(f"There {_listed(origin.parts)} differ; {equal}{unseen}.")
    if origin.kind == "other data order" and origin.in_all:
        lines += _repeats(pair, origin.in_all)
    return [*lines, *_growth(pair)]


def _growth(pair: Pair) -> list[str]:
    """How far apart the losses were where they first differed, and at the end."""
    one, other = pair.one.trace(), pair.other.trace()
    if one is None or other is None:
        return []
    return of_losses(run_origins.loss_differences(one, other))


def of_losses(differences: Sequence[tuple[int, float]]) -> list[str]:
    """A sentence about the losses of two runs, by step; none where no step has both."""
    if not differences:
        return []
    first = next((each for each in differences if each[1]), None)
    if first is None:
        return ["The losses in the traces are equal all the same."]
    text = f"The losses first differ at step {first[0]}, by {first[1]:.2g}"
    last = differences[-1]
    if last == first:
        return [f"{text}, the last step with a row."]
    return [f"{text}; at step {last[0]}, the last with a row, they differ by {last[1]:.2g}."]


def _repeats(pair: Pair, step: int) -> list[str]:
    lines = []
    for side, run in (("A", pair.one), ("B", pair.other)):
        trace = run.trace()
        found = run_origins.repeated_batch(trace, step) if trace else None
        if found:
            lines.append(f"{side}'s batch there is that of its epoch {found[0]}, step {found[1]}.")
    return lines


def _in_short(origin: Origin) -> str:
    return f"{origin} in {_listed(origin.parts)}" if origin.parts else str(origin)


_WORDS = {
    "inputs": "the batch's inputs",
    "targets": "its targets",
    "random": "where random numbers come from",
    "trained": "the trained weights",
    "slots": "the optimizer's slots",
    "other": "weights that are not trained",
}


def _listed(parts: Sequence[str]) -> str:
    return ", ".join(_WORDS[part] for part in parts)


def of_step(study: StepStudy) -> list[str]:
    """What the step itself says, the first part that differs first."""
    lines = [_first(study.parts)]
    if study.is_narrowed:
        lines.insert(0, f"With a row for each step they part by {study.origin}.")
    if not study.has_outputs:
        lines.append(
            "Fetching the outputs of layers left other bits; they are left out, and only the loss,"
            " gradients and weights are compared."
        )
    if study.is_repeated and not study.control:
        lines.append("Verified: the watched steps left what the runs left that were not watched.")
    if study.transplant is not None and study.transplant.is_controlled:
        lines.append(_of_transplant(study.transplant, study.origin))
    if study.obstacle:
        lines.append(f"From A's state B's step could not be made: {study.obstacle}.")
    return lines


def _first(parts: Sequence[Part]) -> str:
    first = step_difference.first_difference(parts)
    if first is None:
        return "In the step itself no part differs."
    before = sum(part.is_equal for part in parts[: list(parts).index(first)])
    where = "a part that the step begins with" if first.is_input else "computed in the step"
    size = f"{first.name} ({where}){_size(first)}"
    return f"First different in it: {size}; equal before it: {counted(before, 'part')}."


def _size(part: Part) -> str:
    if part.differing is None:
        return ", of another shape or kind"
    ulp = "" if part.max_ulp is None else f", up to {part.max_ulp:,} ULP"
    return f", {part.differing:,} of {part.elements:,} elements{ulp}, {part.max_abs:.2g} at most"


def _of_transplant(transplant: Transplant, origin: Origin) -> str:
    first = step_difference.first_difference(transplant.theirs)
    if first is None:
        return (
            "Made from A's state, B's step leaves A's bits: its arithmetic is A's, and the cause is"
            " what came before it, or what no state shows (order, generators)."
        )
    # Generators keep their state in another form in each version: it is not carried over.
    drawn = origin.kind == "other random numbers"
    is_another = (
        "random numbers or arithmetic of this step are others"
        if drawn
        else ("arithmetic of this step is another")
    )
    return (
        f"Made from A's state, B's step leaves other bits, first in {first.name}{_size(first)}: the"
        f" {is_another}. A's own, made so, leaves A's bits."
    )
