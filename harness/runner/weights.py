"""The weights of a model as a reply describes them."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from harness.runner.hashing import combined_digest, dtype_text, tensor_digest

Named = List[Tuple[str, Any]]


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
