"""Where the difference of two trainings began: read from their traces, row by row.

A step is made of its batch, its random numbers and the variables before it. Where all of these are
equal and its outcome is not, the arithmetic of that step is another. Where one of them is not, the
difference was there before, or came in with it. Where a trace does not show one of them, nothing is
concluded: it is undecided, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from harness.results.blobs import Arrays
from harness.runner.trace import UNSEEN

Kind = Literal[
    "",
    "other data",
    "other regime",
    "other start",
    "other data order",
    "other random numbers",
    "other arithmetic",
    "undecided",
]
"""Where a difference began; "" where there is none."""

_BATCH = ("inputs", "targets")
_OUTCOME = ("trained", "slots", "other")
_PLACE = ("model", "fit", "step")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a difference began.

    `model`, `fit`, `epoch` and `step` are those of the first step that differs, each counted from
    1, the step within its epoch (0: before the first step); they are None where it is not known.
    `in_all` counts the step over all epochs of the fit. `parts` are what differs there, of
    `harness.runner.trace.PARTS`. `equal` counts the steps before it that were seen to be equal;
    `unseen` the steps before it that no trace shows. `reason` says why nothing more is known, or
    what of the regime is another.
    """

    kind: Kind
    model: int | None = None
    fit: int | None = None
    epoch: int | None = None
    step: int | None = None
    in_all: int | None = None
    parts: tuple[str, ...] = ()
    equal: int = 0
    unseen: int = 0
    reason: str = ""

    @property
    def place(self) -> str:
        """`epoch 2, step 1`; "" where it is not known."""
        if self.step is None:
            return ""
        later_fit = (
            f"model {self.model}, fit {self.fit}, " if (self.model, self.fit) != (1, 1) else ""
        )
        if self.step == 0:
            return f"{later_fit}before the first step"
        epoch = f"epoch {self.epoch}, " if self.epoch else ""
        steps = (
            f"steps {self.step - self.unseen} to {self.step}"
            if self.unseen
            else f"step {self.step}"
        )
        return f"{later_fit}{epoch}{steps}"

    @property
    def where(self) -> str:
        """The reason, if there is one, and the place, if it is known."""
        return "; ".join(filter(None, (self.reason, self.place)))

    def __str__(self) -> str:
        return f"{self.kind} ({self.where})" if self.where else self.kind


NONE = Origin(kind="")


def fields(origin: Origin) -> dict[str, object]:
    """The origin for programs: its fields as plain values."""
    return {**asdict(origin), "parts": list(origin.parts)}


def undecided(reason: str) -> Origin:
    """An origin that nothing tells."""
    return Origin(kind="undecided", reason=reason)


def of_unequal(one: Arrays, other: Arrays) -> Origin:
    """Where two trainings parted that left other weights; undecided where no row shows it."""
    found = of_traces(one, other)
    if found.kind:
        return found
    shared = len(aligned(one, other)[0]["step"])
    return undecided("equal as far as the traces go" if shared else "no step has a row in both")


def of_traces(one: Arrays, other: Arrays) -> Origin:
    """Where two trainings parted; `NONE` where all rows that both traces have are equal."""
    sides = aligned(one, other)
    first = _first_difference(*sides)
    if first is None:
        return NONE
    return _described(sides, first)


_Rows = Mapping[str, npt.NDArray[Any]]


def aligned(one: Arrays, other: Arrays) -> tuple[Arrays, Arrays]:
    """The rows that both traces have, in the order of the first."""
    places = [
        list(zip(*(side[name].tolist() for name in _PLACE), strict=True)) for side in (one, other)
    ]
    numbers = {place: number for number, place in enumerate(places[1])}
    pairs = [(k, numbers[place]) for k, place in enumerate(places[0]) if place in numbers]
    left, right = (np.array([pair[side] for pair in pairs], dtype=int) for side in (0, 1))
    return (
        {name: column[left] for name, column in one.items()},
        {name: column[right] for name, column in other.items()},
    )


def _differs(one: _Rows, other: _Rows, part: str) -> npt.NDArray[np.bool_]:
    """Where both saw a part and it was not the same."""
    seen = (one[part] != UNSEEN) & (other[part] != UNSEEN)
    if part in _OUTCOME:
        # Variables are read in every row: there are none on one side only if it has none.
        seen = (one[part] != UNSEEN) | (other[part] != UNSEEN)
    differs: npt.NDArray[np.bool_] = seen & (one[part] != other[part])
    return differs


def _first_difference(one: _Rows, other: _Rows) -> int | None:
    """The first row in which batch or outcome differ. Random numbers count once they did act."""
    rows = np.zeros(len(one["step"]), dtype=bool)
    for part in (*_BATCH, *_OUTCOME):
        rows |= _differs(one, other, part)
    return int(rows.argmax()) if rows.any() else None


def _described(sides: tuple[_Rows, _Rows], row: int) -> Origin:
    one, other = sides
    parts = tuple(
        part for part in (*_BATCH, "random", *_OUTCOME) if _differs(one, other, part)[row]
    )
    step = int(one["step"][row])
    model, fit, epoch = (int(one[name][row]) for name in ("model", "fit", "epoch"))
    same_fit = (one["model"] == model) & (one["fit"] == fit)
    before = one["step"][same_fit & (np.arange(len(one["step"])) < row)]
    # The state before the first step is a row, too.
    unseen = step - int(before[-1] if len(before) else -1) - 1
    earlier = one["step"][same_fit & (one["epoch"] < epoch)]
    first_of_epoch = int(earlier[-1]) if len(earlier) and epoch > 1 else 0
    kind, reason = _undecidable(sides, row, parts, unseen) or (_kind(step, parts), "")
    return Origin(
        kind=kind,
        model=model,
        fit=fit,
        epoch=epoch or None,
        step=step - first_of_epoch,
        in_all=step,
        parts=parts,
        equal=row,
        unseen=min(unseen, step - 1) if step else 0,
        reason=reason,
    )


def _undecidable(
    sides: tuple[_Rows, _Rows], row: int, parts: tuple[str, ...], unseen: int
) -> tuple[Kind, str] | None:
    """Why the first row that differs does not show what it was; None where it does."""
    if not sides[0]["step"][row]:
        return None
    if unseen:
        return "undecided", "the state before it has no row in both traces"
    unread = [name for name in _BATCH if UNSEEN in (side[name][row] for side in sides)]
    if "inputs" in unread:
        return "undecided", "the batch of the step was not read"
    if "inputs" in parts and "targets" in unread:
        return "undecided", "without targets another order and other random numbers look alike"
    return None


def _kind(step: int, parts: tuple[str, ...]) -> Kind:
    if step == 0:
        return "other start"
    if "targets" in parts:
        return "other data order"
    # The same targets with other inputs: what the pipeline draws, such as an augmentation.
    return "other random numbers" if {"random", "inputs"} & {*parts} else "other arithmetic"
