"""Controls of equality: the same comparison with one bit turned over, which must not say equal.

Each control says why it does not hold, and "" where the bit that was turned over was seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.analysis import origins
from harness.results import blobs
from harness.results.blobs import Arrays
from harness.runner import hashing
from harness.studies import step_difference
from harness.studies.step_difference import Part

UNSEEN = "one bit turned over on purpose was not seen"


def turned(array: npt.NDArray[Any], element: int = 0) -> npt.NDArray[Any]:
    """A copy with the lowest bit of one element turned over."""
    changed = hashing.little_endian(array).copy()
    octets = changed.reshape(-1).view(np.uint8)
    octets[element * changed.itemsize] ^= 1
    return np.asarray(changed)


def of_weights(sweeps: Sequence[Path], sha256: str) -> str:
    """The control of equal digests of weights, which lie beside one of these sweep folders.

    Raises:
        RecordError: they are damaged.
    """
    read = (blobs.read_weights(blobs.folder_of(sweep), sha256) for sweep in sweeps)
    weights = next((each for each in read if each is not None), None)
    if weights is None:
        return f"the weights {sha256[:10]} are not stored, so equal digests are all there is"
    name = next((name for name, each in weights.items() if each.size), None)
    if name is None:
        return "there are no weights"
    changed = {**weights, name: turned(weights[name])}
    return (
        "" if hashing.digest_of_arrays(list(changed), list(changed.values())) != sha256 else UNSEEN
    )


def of_rows(one: Arrays, other: Arrays, equal: int) -> str:
    """The control of so many first rows of two traces that were found equal."""
    ours, theirs = origins.aligned(one, other)
    if not equal:
        return ""
    changed = {**theirs, "trained": turned(theirs["trained"], equal - 1)}
    found = origins.of_traces(ours, changed)
    return "" if found.kind and found.equal == equal - 1 else UNSEEN


def of_parts(one: Arrays, other: Arrays, parts: Sequence[Part]) -> str:
    """The control of all parts of two steps that were found equal."""
    equal = [part.name for part in parts if part.is_equal and part.elements]
    # Slots that are not there yet were compared as zeros.
    changed = {name: turned(other.get(name, one.get(name))) for name in equal}  # type: ignore[arg-type]
    again = step_difference.compare(one, {**other, **changed})
    unseen = [part.name for part in again if part.name in changed and part.is_equal]
    return f"{UNSEEN} in {unseen[0]}" if unseen else ""
