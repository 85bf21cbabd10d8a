"""Initial weights that are the same bits in every version: which tensors are drawn, which stay.

- A kernel (the last part of its name is, or ends with, "kernel": also recurrent, depthwise and
  pointwise ones) and a table of embeddings are drawn, see `shared_random.uniform`, whatever
  initialiser the layer has.
- A tensor of whole numbers, and one that holds nothing but zeros and ones, stays as Keras made it:
  biases (those of an LSTM, one for the forget gate, too), and what batch normalisation has.
- Any other tensor may be random or not, nobody knows: `Unsupported`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.runner import shared_random
from harness.runner.hashing import tensor_digest
from harness.runner.refusals import Unsupported
from harness.runner.weights import Named

_DRAWN = ("kernel", "embeddings")


def shared(seed: int, named: Named) -> Named:
    """These tensors, with those that are drawn replaced.

    Raises:
        Unsupported: a tensor may be random, and is none of those that are drawn.
    """
    for name, array in named:
        if not is_drawn(name, array) and not _is_constant(array):
            raise Unsupported(
                "initial_weights: %s is no kernel, and holds more than zeros and ones, so it may be"
                " random; shared weights are not defined for it" % name
            )
    return [(name, _drawn_or_own(seed, name, array)) for name, array in named]


def is_drawn(name: str, array: Any) -> bool:
    """Whether a tensor is one of those that are drawn."""
    last = name.rpartition("/")[2].partition("#")[0]
    return array.dtype.kind == "f" and last.endswith(_DRAWN)


def are_shared(seed: int, named: Named) -> bool:
    """Whether every tensor that is drawn has the digest of what this seed draws."""
    return all(
        tensor_digest(name, array) == tensor_digest(name, _drawn_or_own(seed, name, array))
        for name, array in named
    )


def _is_constant(array: Any) -> bool:
    return array.dtype.kind in "biu" or bool(np.isin(array, (0, 1)).all())


def _drawn_or_own(seed: int, name: str, array: Any) -> Any:
    if not is_drawn(name, array):
        return array
    return shared_random.uniform(seed, name, array.shape, array.dtype)
