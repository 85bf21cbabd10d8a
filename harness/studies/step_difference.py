"""Two recordings of one training step, compared in the order in which a step is made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from harness.analysis import array_differences
from harness.analysis.columns import Column, frame_of, names
from harness.results.blobs import Arrays
from harness.runner import hashing

_INPUTS = ("batch", "before", "slots before")
_STAGES = (*_INPUTS, "output", "loss", "gradient", "slots after", "after")
"""What the names of a recording begin with, in causal order."""

COLUMNS: tuple[Column, ...] = (
    Column(name="part", dtype="string", sentence="What of the step, in the order it is made."),
    Column(name="equal", dtype="bool", sentence="Whether it has the same bits on both sides."),
    Column(name="max_ulp", dtype="Int64", sentence="The most floats between two elements."),
    Column(name="max_abs", dtype="float64", sentence="The largest absolute difference."),
    Column(name="relative_l2", dtype="float64", sentence="Norm of the difference over A's norm."),
    Column(name="differing", dtype="Int64", sentence="Elements with other bits."),
    Column(name="elements", dtype="Int64", sentence="Elements in all."),
    Column(name="only_in", dtype="string", sentence="The side that alone has it."),
)


SHOWN = ("part", "equal", "max_ulp", "max_abs", "differing", "elements")
"""What people read; CSV and JSON have every column."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One array of the step on both sides.

    Sizes are None where it is on one side only, `only_in` then names that one (`A` or `B`).
    """

    name: str
    differing: int | None
    elements: int | None
    max_abs: float | None = None
    max_ulp: int | None = None
    relative_l2: float | None = None
    only_in: str = ""

    @property
    def is_equal(self) -> bool:
        """Whether both sides have it with the same bits."""
        return self.differing == 0

    @property
    def is_input(self) -> bool:
        """Whether the step begins with it, and does not compute it."""
        return is_input(self.name)


def is_input(name: str) -> bool:
    """Whether a step begins with the part of this name, and does not compute it."""
    return name.partition("/")[0] in _INPUTS


def compare(one: Arrays, other: Arrays) -> list[Part]:
    """Every part of two recordings, in causal order.

    Gradients are taken from the last layer back. Slots that are not there before the first step
    are zeros.
    """
    sides = [_with_zero_slots(side, beside) for side, beside in ((one, other), (other, one))]
    ordered = [*_in_order(sides[0]), *(name for name in _in_order(sides[1]) if name not in one)]
    return [_part(name, *sides) for name in sorted(dict.fromkeys(ordered), key=_rank)]


def first_difference(parts: Iterable[Part]) -> Part | None:
    """The first part that differs; parts on one side only tell nothing."""
    return next((part for part in parts if not part.is_equal and not part.only_in), None)


def frame(parts: Sequence[Part]) -> pd.DataFrame:
    """A row per part; see `COLUMNS`."""
    rows = {
        "part": [part.name for part in parts],
        "equal": [part.is_equal for part in parts],
        "only_in": [part.only_in or None for part in parts],
        **{
            name: [getattr(part, name) for part in parts]
            for name in ("max_ulp", "max_abs", "relative_l2", "differing", "elements")
        },
    }
    return frame_of({name: rows[name] for name in names(COLUMNS)}, COLUMNS)


def _with_zero_slots(one: Arrays, other: Arrays) -> Arrays:
    """A recording in which slots are zero that it does not have yet and the other one has."""
    before = "slots before/"
    has_any = any(name.startswith(before) for name in one)
    absent = {name: each for name, each in other.items() if name.startswith(before)}
    return one if has_any else {**one, **{name: each * 0 for name, each in absent.items()}}


def _in_order(arrays: Arrays) -> list[str]:
    gradients = [name for name in arrays if name.startswith("gradient/")]
    others = [name for name in arrays if not name.startswith("gradient/")]
    return [*others, *reversed(gradients)]


def _rank(name: str) -> int:
    stage = name.partition("/")[0]
    return _STAGES.index(stage) if stage in _STAGES else len(_STAGES)


def _part(name: str, one: Arrays, other: Arrays) -> Part:
    if name not in one or name not in other:
        return Part(name=name, differing=None, elements=None, only_in="A" if name in one else "B")
    if hashing.tensor_digest("", one[name]) == hashing.tensor_digest("", other[name]):
        return Part(name=name, differing=0, elements=int(one[name].size))
    sized = array_differences.of_weights({name: one[name]}, {name: other[name]})
    if not sized.tensors:
        # Of another shape: nothing to compare element by element.
        return Part(name=name, differing=None, elements=int(one[name].size))
    return Part(
        name=name,
        differing=sized.differing,
        elements=sized.elements,
        max_abs=sized.max_abs,
        max_ulp=sized.max_ulp,
        relative_l2=sized.relative_l2,
    )
