"""The variables of a training as digests that versions have in common."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Tuple

import numpy as np
import tensorflow as tf

from harness.runner import trace
from harness.runner.backends.tensorflow.state import variables_by_name
from harness.runner.hashing import is_extension, tensor_digest


def of_model(model: Any) -> Dict[str, int]:
    """The parts of a row that a model of Keras, and its optimizer, make up."""
    named = variables_by_name(model)
    return {
        "trained": _of_named(each for each in named if each[1].trainable),
        "other": _of_named(each for each in named if not each[1].trainable),
        "slots": of_set(map(_view, slots_of(getattr(model, "optimizer", None)))),
    }


def _of_named(named: Iterable[Tuple[str, Any]]) -> int:
    return trace.digest(tensor_digest(name, _view(variable)) for name, variable in named)


def _view(variable: Any) -> Any:
    """The value of a variable without a copy where that is possible: only to be hashed at once."""
    try:
        return np.asarray(memoryview(tf.convert_to_tensor(variable)))
    except (TypeError, ValueError, BufferError):
        # No dtype of Python's buffers, such as bfloat16, or no tensor of one device.
        return values([variable])[0]


def slots_of(optimizer: Any) -> List[Any]:
    """The variables of an optimizer of any version of Keras; none where it has none yet."""
    variables = getattr(optimizer, "variables", None)
    return list(variables() if callable(variables) else variables or [])


def values(variables: Iterable[Any]) -> List[Any]:
    """The values of variables, as arrays."""
    return [np.asarray(each.numpy() if hasattr(each, "numpy") else each) for each in variables]


def of_set(arrays: Iterable[Any]) -> int:
    """The digest of arrays whatever their order; single numbers and zero arrays do not count."""
    kept = (each for each in arrays if each.ndim and _is_float(each) and each.any())
    return trace.digest(sorted(tensor_digest("", each) for each in kept))


def _is_float(array: Any) -> bool:
    return array.dtype.kind == "f" or is_extension(array)
