"""Where runs of two cells parted, by the traces in their records."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from harness.analysis import model_differences
from harness.analysis.axis_values import as_text
from harness.analysis.model_differences import REGIME, Model
from harness.analysis.origins import Origin
from harness.matrix.cells import DEFAULTS
from harness.protocol.axes import to_json
from harness.results import blobs
from harness.results.blobs import Arrays
from harness.results.record import Record
from harness.runner.trace import UNSEEN
from harness.studies import reference

MOST_PAIRS = 100


@dataclass(frozen=True, kw_only=True)
class Run:
    """A completed run: its record, and the folder of its sweep."""

    record: Record
    sweep: Path

    @property
    def name(self) -> str:
        """`CELL#REPEAT`."""
        return f"{self.record.cell}#{self.record.repeat}"

    def trace(self) -> Arrays | None:
        """Its trace, None where it has none or it is not stored."""
        measured = self.record.measured
        sha256 = measured.trace_sha256 if measured else ""
        return blobs.read_trace(blobs.folder_of(self.sweep), sha256) if sha256 else None


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two runs, and where they parted; its kind is "" where they left the same weights."""

    one: Run
    other: Run
    origin: Origin


def pairs(ones: Sequence[Run], others: Sequence[Run]) -> list[Pair]:
    """Every pair of runs with one of either; of a cell with itself, each two of its runs once."""
    same = [run.name for run in ones] == [run.name for run in others] and len(ones) > 1
    named = itertools.combinations(ones, 2) if same else itertools.product(ones, others)
    return [
        Pair(one=one, other=other, origin=model_differences.origin_of(_model(one), _model(other)))
        for one, other in itertools.islice(named, MOST_PAIRS)
    ]


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
