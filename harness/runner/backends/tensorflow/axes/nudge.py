"""`nudge`: the least possible change of the initial weights, to see how much the model makes of it.

The first element of the first tensor that is trained moves by one unit in the last place, towards
plus infinity.
"""

from __future__ import annotations

from typing import Any, List, Tuple

import numpy as np

from harness.runner.backends.tensorflow import stages
from harness.runner.backends.tensorflow.state import first_trainable, named_weights, set_weights
from harness.runner.findings import Finding
from harness.runner.refusals import Unsupported
from harness.runner.run import Run
from harness.runner.weights import Named

STAGE = stages.START


def apply(value: str, run: Run) -> None:
    """Move the element."""
    if value == "none":
        return
    place, named = first_trainable(run.model), named_weights(run.model)
    if place is None:
        raise Unsupported("nudge: the model has no weight that is trained")
    name, array = named[place]
    named[place] = (name, _nudged(array))
    set_weights(run.model, named)


def _nudged(array: Any) -> Any:
    moved = np.array(array, order="C")
    first = moved.reshape(-1)[:1]
    first[:] = np.nextafter(first, np.array(np.inf, dtype=first.dtype))
    return moved


def read(run: Run) -> Finding:
    """Which elements of the weights differ between building and training, and by how much."""
    if run.built is None or run.initial is None:
        return None, "the run ended before training"
    if [name for name, _ in run.built] != [name for name, _ in run.initial]:
        return "other", "the tensors before training are others than those that were built"
    changed = _changed(run.built, run.initial)
    if not changed:
        return "none", "no element changed between building and training"
    place, index = changed[0]
    (name, before), (_, after) = run.built[place], run.initial[place]
    a, b = before.reshape(-1)[index], after.reshape(-1)[index]
    how = "%d changed; %s[%d] from %s" % (len(changed), name, index, float(a).hex())
    how += " to %s" % float(b).hex()
    is_first = len(changed) == 1 and (place, index) == (first_trainable(run.model), 0)
    is_one = is_first and np.array_equal(_nudged(before), after)
    return ("one-ulp" if is_one else "other"), how


def _changed(before: Named, after: Named) -> List[Tuple[int, int]]:
    """Tensor and element, by number, of every element whose bytes changed."""
    return [
        (place, int(index))
        for place, ((_, a), (_, b)) in enumerate(zip(before, after))
        for index in np.flatnonzero((_bytes_of(a) != _bytes_of(b)).any(axis=1))
    ]


def _bytes_of(array: Any) -> Any:
    flat = np.ascontiguousarray(array).reshape(-1)
    return flat.view(np.uint8).reshape(flat.size, flat.dtype.itemsize)
