"""The trace of a training: what went into a step and what came out of it, as a row of digests.

A trace is stored like weights, as an `.npz` of columns that are equally long:

    model, fit      <i4   which model, and which of its fits, both from 1
    epoch           <i4   the epoch of the fit, from 1; 0 where there are none
    step            <i8   steps of the fit that are done; 0 is the state before the first one
    inputs          <u8   the step's batch as the model got it: what is put in …
    targets         <u8   … and what is to come out
    random          <u8   what the step's random numbers come from: seeds and states of generators
    trained         <u8   trained variables, after the step
    slots           <u8   what the optimizer keeps per variable, after the step
    other           <u8   variables that are not trained, after the step
    loss            <f8   as the framework reported it with the step, NaN where it did not
    chain           <u8   this row and all before it: equal chains are equal traces up to here

A digest is the first eight bytes of a SHA-256, as a little-endian number, and 0 where something was
not seen or is not there. Names, layout and the order of slots differ by version, so what is
digested is what versions have in common: canonical names of weights; slots as a set, without
numbers and without arrays that are zero all over.

Not every step has a row: see `Schedule`.
"""

from __future__ import annotations

import hashlib
import math
import os
import struct
import time
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from harness.protocol import exchange
from harness.runner.hashing import combined_digest, digest_of_arrays, write_arrays

PARTS = ("inputs", "targets", "random", "trained", "slots", "other")
UNSEEN = 0
STATE_STEP = "step"
"""Among the arrays of a state that a step is made from: the number of that step, from 1."""
COLUMNS = {
    **{"model": "<i4", "fit": "<i4", "epoch": "<i4", "step": "<i8"},
    **dict.fromkeys(PARTS, "<u8"),
    **{"loss": "<f8", "chain": "<u8"},
}
"""The columns of a trace in order, and their dtypes as NumPy writes them."""

_PLACE = struct.Struct("<iiiq")
_DENSE = 4
"""So many first steps have a row each."""
_PER_OCTAVE = 2
"""Later, so many steps between a power of two and the next have one."""
_OCTAVES = 40
"""No training has 2 to this power steps."""
_SHARE = 0.05
_FREE_SECONDS = 0.25
"""Rows may take this share of the time of the fit so far, beyond some that are free."""


def digest(tensor_digests: Iterable[str]) -> int:
    """What a trace has for tensors with these digests; `UNSEEN` where there are none."""
    digests = list(tensor_digests)
    return int.from_bytes(bytes.fromhex(combined_digest(digests)[:16]), "little") if digests else 0


@dataclass
class Trace:
    """The rows of a training so far. `model` and `fit` of a row say whose step it was."""

    rows: List[Tuple[int, int, int, int, Dict[str, int], float, int]] = field(default_factory=list)

    def add(
        self, place: Tuple[int, int, int, int], parts: Dict[str, int], loss: float = math.nan
    ) -> None:
        """Add the row of one step; `place` is its model, fit, epoch and step."""
        chain = _chained(self.rows[-1][-1] if self.rows else 0, place, parts, loss)
        self.rows.append((*place, parts, loss, chain))

    def add_columns(self, columns: Mapping[str, Any], numbers: Mapping[int, int]) -> None:
        """Add the rows of another trace; `numbers` gives its models their numbers in this one.

        Rows of models without a number are left out.
        """
        for row in zip(*(columns[name] for name in COLUMNS)):
            named = dict(zip(COLUMNS, row))
            model = numbers.get(int(named["model"]))
            if model is not None:
                parts = {name: int(named[name]) for name in PARTS}
                place = (model, int(named["fit"]), int(named["epoch"]), int(named["step"]))
                self.add(place, parts, float(named["loss"]))

    def columns(self) -> List[Tuple[str, Any]]:
        """The columns in the order in which they are stored."""
        import numpy as np

        plain = [
            (*row[:4], *(row[4].get(name, UNSEEN) for name in PARTS), *row[5:]) for row in self.rows
        ]
        return [
            (name, np.array([row[place] for row in plain], kind))
            for place, (name, kind) in enumerate(COLUMNS.items())
        ]

    def write(self, folder: str) -> str:
        """Write the trace into a run's folder; returns its digest, "" where there are no rows."""
        if not self.rows:
            return ""
        names, arrays = zip(*self.columns())
        write_arrays(os.path.join(folder, exchange.TRACE), names, arrays)
        return digest_of_arrays(names, arrays)


def _chained(
    before: int, place: Tuple[int, int, int, int], parts: Dict[str, int], loss: float
) -> int:
    numbers = (before, *(parts.get(name, UNSEEN) for name in PARTS))
    packed = _PLACE.pack(*place) + struct.pack("<7Qd", *numbers, loss)
    return int.from_bytes(hashlib.sha256(packed).digest()[:8], "little")


@dataclass(frozen=True)
class Watch:
    """What is asked of a run that ends early: a row for each step from `first` to `last`, which is
    the last one that is made, and the step `whole` recorded whole (None: none). Steps count from 1.
    `model` and `fit` say whose steps they are, `outputs` whether what layers return is recorded.
    """

    first: int
    last: int
    whole: Optional[int]
    model: int = 1
    fit: int = 1
    outputs: bool = True


def _is_due(step: int) -> bool:
    octave = step.bit_length() - 1
    return step <= _DENSE or step % max(1, (1 << octave) // _PER_OCTAVE) == 0


class Schedule:
    """Which steps of a fit have a row: the first ones, then a fixed number between powers of two.

    So runs of one training have rows for the same steps, whatever their speed, and long ones few.
    Only a model that takes more than a share of the time to read is read less often.
    """

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._spent = 0.0

    def wants(self, step: int) -> bool:
        """Whether the step, from 1, gets a row."""
        return _is_due(step) and (step == 1 or self._spent <= self._allowed())

    @staticmethod
    def steps() -> List[int]:
        """Every step that may have a row, of as many as there ever are."""
        dense = range(1, _DENSE + 1)
        octaves = (1 << octave for octave in range(_DENSE.bit_length() - 1, _OCTAVES))
        later = (o + k * (o // _PER_OCTAVE) for o in octaves for k in range(_PER_OCTAVE))
        return sorted({*dense, *later})

    def _allowed(self) -> float:
        return _FREE_SECONDS + _SHARE * (time.perf_counter() - self._began)

    def spent(self, seconds: float) -> None:
        """Count the time that a row took."""
        self._spent += seconds
