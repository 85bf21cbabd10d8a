"""On which devices the layers of a model run."""

from __future__ import annotations

import contextlib
import re
from typing import Any, Dict, Iterator, Set

import tensorflow as tf


def layer_devices(model: Any, row: Any) -> Dict[str, str]:
    """The kind of device of each layer: of its weights, and of what it makes of one row of data.

    The model itself calls its layers, so it may be of any kind. It must not be needed afterwards:
    the call may change its state.
    """
    devices: Dict[str, Set[str]] = {}
    with _watching_layers(model, devices):
        model(tf.convert_to_tensor(row))
    return {name: "+".join(sorted(kinds)) for name, kinds in devices.items() if kinds}


@contextlib.contextmanager
def _watching_layers(model: Any, devices: Dict[str, Set[str]]) -> Iterator[None]:
    """Within the block, each call of a layer adds to `devices`, by the layer's name."""
    base = tf.keras.layers.Layer
    call = base.__call__

    def watched(layer: Any, *arguments: Any, **named: Any) -> Any:
        outputs = call(layer, *arguments, **named)
        if layer is not model:
            tensors = [*tf.nest.flatten(outputs), *layer.weights]
            kinds = {_device(each) for each in tensors if _has_fractions(each)}
            devices.setdefault(layer.name, set()).update(kinds - {""})
        return outputs

    base.__call__ = watched
    try:
        yield
    finally:
        base.__call__ = call


def _has_fractions(tensor: Any) -> bool:
    """Whether it holds fractions; the integers of random generators lie on the CPU anyway."""
    return "float" in str(getattr(tensor, "dtype", ""))


def _device(tensor: Any) -> str:
    """The kind of device that holds a tensor or variable, "" where it does not say."""
    variable = tensor if hasattr(tensor, "device") else getattr(tensor, "value", None)
    parts = re.findall(r"device:([A-Z]+):", getattr(variable, "device", None) or "")
    return parts[0].lower() if parts else ""
