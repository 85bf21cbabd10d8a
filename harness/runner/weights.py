"""The weights of a model under names that Keras 2 and Keras 3 agree on."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from harness.runner.hashing import combined_digest, dtype_text, tensor_digest

Named = List[Tuple[str, Any]]


def named_weights(model: Any) -> Named:
    """Every weight of the model in order, as `<layer name>/<variable name>` and array.

    Keras 2 names a variable `lstm/lstm_cell/kernel:0`, Keras 3 `kernel`: only the last component
    counts, here `lstm/kernel`. A second variable of the same name gets `#2`, and so on.
    """
    named: Named = []
    seen: Dict[str, int] = {}
    for layer in model.layers:
        for variable, array in zip(layer.weights, layer.get_weights()):
            name = "%s/%s" % (layer.name, variable.name.split("/")[-1].split(":")[0])
            seen[name] = seen.get(name, 0) + 1
            named.append((name if seen[name] == 1 else "%s#%d" % (name, seen[name]), array))
    return named


def digests(named: Named) -> List[str]:
    """The digest of each tensor, in order."""
    return [tensor_digest(name, array) for name, array in named]


def as_reply(initial: Named, final: Named) -> Dict[str, Any]:
    """The fields of the reply that describe the weights before and after training."""
    before, after = digests(initial), digests(final)
    tensors = [
        {
            "name": name,
            "shape": list(array.shape),
            "dtype": dtype_text(array),
            "init_sha256": init_sha256,
            "sha256": sha256,
        }
        for (name, array), init_sha256, sha256 in zip(final, before, after)
    ]
    return {
        "init_sha256": combined_digest(before),
        "weights_sha256": combined_digest(after),
        "tensors": tensors,
        "parameters": sum(int(array.size) for _, array in final),
    }
