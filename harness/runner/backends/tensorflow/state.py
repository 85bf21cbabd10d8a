"""The weights of a model under names that Keras 2 and Keras 3 agree on."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional, Tuple

from harness.runner.weights import Named

_NUMBER = re.compile("_[0-9]+$")


def named_weights(model: Any) -> Named:
    """Every weight of the model in order, as `<layer name>/<variable name>` and array.

    Keras 2 names a variable `lstm/lstm_cell/kernel:0`, Keras 3 `kernel`: only the last component
    counts, here `lstm/kernel`. A layer that was given no name has that of its class: Keras numbers
    those of all models in a process, so that the same model made twice would have other names. A
    second variable of the same name gets `#2`, and so on.
    """
    return [(name, array) for name, array, _ in named_variables(model)]


def named_variables(model: Any) -> List[Tuple[str, Any, bool]]:
    """The same, with whether it is trained."""
    arrays = [array for layer in model.layers for array in layer.get_weights()]
    return [
        (name, array, bool(variable.trainable))
        for (name, variable), array in zip(variables_by_name(model), arrays)
    ]


def variables_by_name(model: Any) -> List[Tuple[str, Any]]:
    """Every variable of the model in the order of `named_weights`, under the name it has there."""
    named = []
    counts: Dict[str, int] = {}
    for layer in model.layers:
        for variable in layer.weights:
            name = "%s/%s" % (layer_name(layer), variable.name.split("/")[-1].split(":")[0])
            counts[name] = counts.get(name, 0) + 1
            unique = name if counts[name] == 1 else "%s#%d" % (name, counts[name])
            named.append((unique, variable))
    return named


def layer_name(layer: Any) -> str:
    """The name of a layer, without the number that Keras gave it: `dense` for `dense_1`."""
    plain = _NUMBER.sub("", layer.name)
    is_given = plain.replace("_", "") != type(layer).__name__.lower()
    return layer.name if is_given else plain


def set_weights(model: Any, named: Named) -> None:
    """Give the model these weights, which stand in the order of `named_weights`."""
    arrays = iter([array for _, array in named])
    for layer in model.layers:
        layer.set_weights([next(arrays) for _ in layer.weights])


def first_trainable(model: Any) -> Optional[int]:
    """Where the first weight that is trained stands in `named_weights`, None if there is none."""
    place = 0
    for layer in model.layers:
        trainable = {id(variable) for variable in layer.trainable_weights}
        for variable in layer.weights:
            if id(variable) in trainable:
                return place
            place += 1
    return None
