"""Where runs of two cells parted, by the traces in their records."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from harness.analysis import model_differences, origins
from harness.analysis.axis_values import as_text
from harness.analysis.model_differences import REGIME, Model
from harness.analysis.origins import Origin
from harness.matrix.cells import DEFAULTS
from harness.protocol.axes import to_json
from harness.results import blobs
from harness.results.blobs import Arrays
from harness.results.record import Fit, Record
from harness.runner.trace import UNSEEN
from harness.studies import one_bit, reference

MOST_PAIRS = 100


@dataclass(frozen=True, kw_only=True)
class Run:
    """A completed run: its record, and the folder of its sweep.

    `fit` is the model and fit of a script that is meant, None for all that it trained.
    """

    record: Record
    sweep: Path
    fit: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """`CELL#REPEAT`, and `@MODEL.FIT` for a fit."""
        fit = "" if self.fit is None else f"@{self.fit[0]}.{self.fit[1]}"
        return f"{self.record.cell}#{self.record.repeat}{fit}"

    def trace(self) -> Arrays | None:
        """Its trace, None where it has none or it is not stored; that of a fit counts it as 1."""
        measured = self.record.measured
        sha256 = measured.trace_sha256 if measured else ""
        whole = blobs.read_trace(blobs.folder_of(self.sweep), sha256) if sha256 else None
        return whole if whole is None or self.fit is None else _of_fit(whole, *self.fit)


def _of_fit(trace: Arrays, model: int, fit: int) -> Arrays:
    own = (trace["model"] == model) & (trace["fit"] == fit)
    rows = {name: column[own] for name, column in trace.items()}
    return {**rows, **{name: np.ones_like(rows[name]) for name in ("model", "fit")}}


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two runs, and where they parted; its kind is "" where they left the same weights.

    `unverified` says why what was found equal is not verified, "" where it is.
    """

    one: Run
    other: Run
    origin: Origin
    unverified: str = ""


def pairs(ones: Sequence[Run], others: Sequence[Run]) -> list[Pair]:
    """Every pair of runs with one of either; of a cell with itself, each two of its runs once.

    No run is paired with itself, nor with a copy of its record.
    """
    same = len(ones) == len(others) and all(map(_is_same, ones, others))
    named = itertools.combinations(ones, 2) if same else itertools.product(ones, others)
    unlike = (pair for pair in named if not _is_same(*pair))
    return [_pair(one, other) for one, other in itertools.islice(unlike, MOST_PAIRS)]


def _is_same(one: Run, other: Run) -> bool:
    return one.record == other.record and one.fit == other.fit


def _pair(one: Run, other: Run) -> Pair:
    origin = _origin(one, other)
    unverified = _control(one, other, origin)
    return Pair(one=one, other=other, origin=origin, unverified=unverified)


def _control(one: Run, other: Run, origin: Origin) -> str:
    """Why what was found equal of two runs is not verified."""
    measured = one.record.measured
    if not origin.kind and one.fit is None and measured is not None:
        return one_bit.of_weights([one.sweep, other.sweep], measured.weights_sha256)
    ours, theirs = one.trace(), other.trace()
    if ours is None or theirs is None:
        return "" if origin.kind else "no trace is stored, so equal digests are all there is"
    shared = len(origins.aligned(ours, theirs)[0]["step"])
    rows = shared if origin.in_all is None else origin.equal
    return one_bit.of_rows(ours, theirs, rows)


def _origin(one: Run, other: Run) -> Origin:
    if one.fit is None or other.fit is None:
        return model_differences.origin_of(_model(one), _model(other))
    if _fit(one).weights_sha256 == _fit(other).weights_sha256:
        return origins.NONE
    ours, theirs = one.trace(), other.trace()
    if ours is None or theirs is None:
        return origins.undecided("no trace")
    return origins.of_unequal(ours, theirs)


def _fit(run: Run) -> Fit:
    measured = run.record.measured
    fits = measured.fits if measured else ()
    return next(each for each in fits if (each.model, each.fit) == run.fit)


def _model(run: Run) -> Model:
    measured = run.record.measured
    assert measured is not None
    known = any(tensor.init_sha256 for tensor in measured.tensors)
    return replace(
        reference.model_of(measured, run.sweep),
        init_sha256=measured.init_sha256 if known else "",
        trace_sha256=measured.trace_sha256,
        regime=tuple(_found_or_asked(run.record, name) for name in REGIME),
    )


def _found_or_asked(record: Record, name: str) -> str:
    found = record.found.get(name)
    if found is not None and found.value is not None:
        return as_text(found.value)
    return as_text(record.settings.get(name, to_json(DEFAULTS[name])))


def loss_differences(one: Arrays, other: Arrays) -> list[tuple[int, float]]:
    """How far apart the losses are in each row that both traces have one in: step, difference.

    Of one fit of one model; rows without a loss (NaN) on either side are left out.
    """
    sides = [
        {
            int(step): float(loss)
            for model, fit, step, loss in zip(
                *(trace[name].tolist() for name in ("model", "fit", "step", "loss")), strict=True
            )
            if (model, fit) == (1, 1) and not math.isnan(loss)
        }
        for trace in (one, other)
    ]
    both = [(step, loss, sides[1][step]) for step, loss in sides[0].items() if step in sides[1]]
    # Two infinities of one sign are equal, and their difference is no number.
    return [(step, 0.0 if loss == theirs else abs(theirs - loss)) for step, loss, theirs in both]


def repeated_batch(trace: Arrays, step: int) -> tuple[int, int] | None:
    """The epoch and step of an earlier row with the batch of this step; None where there is none.

    Steps count from 1, that of the result within its epoch.
    """
    rows = np.flatnonzero(trace["step"] == step)
    if not len(rows) or trace["inputs"][rows[0]] == UNSEEN:
        return None
    equal = trace["inputs"] == trace["inputs"][rows[0]]
    earlier = np.flatnonzero(equal & (trace["step"] < step) & (trace["step"] > 0))
    if not len(earlier):
        return None
    epoch, found = int(trace["epoch"][earlier[0]]), int(trace["step"][earlier[0]])
    ends = trace["step"][(trace["epoch"] < epoch) & (trace["epoch"] > 0)]
    return epoch, found - (int(ends.max()) if len(ends) else 0)
