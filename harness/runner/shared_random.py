"""Random numbers that are the same bits under every version of Python, NumPy and framework.

Defined here and by FIPS 202, whole numbers and IEEE 754 alone: no library's generator, and no
function whose last bit a library may choose. NumPy and the standard library only.

Words. The stream of a purpose, a seed and labels is SHAKE-256 over
`json.dumps(["harness shared random numbers 1", PURPOSE, SEED, *LABELS], separators=(",", ":"))` in
ASCII, cut into words of eight bytes, each a little-endian whole number below 2^64.

Uniform tensors. PURPOSE is "uniform", the labels are the tensor's name and its shape (a list).
Element k in C order is made of word k: the upper 53 bits less 2^52, times 2^-52, is exact and lies
in [-1, 1); times the limit it is rounded once to binary64, then once to the tensor's type, both to
nearest, ties to even. The limit is the binary64 square root of the binary64 quotient
6 / (fan in + fan out), as in Glorot and Bengio, 2010.

Permutations. PURPOSE is "permutation", the labels are the epoch (from 0) and the length n. Fisher
and Yates' shuffle of 0, 1, …, n - 1: for i = n - 1 down to 1, element i changes places with element
floor(word * (i + 1) / 2^64), the words in order. (No index is preferred by more than n / 2^64.)
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any, Sequence, Tuple

import numpy as np

_FORMAT = "harness shared random numbers 1"


def words(purpose: str, seed: int, labels: Sequence[Any], count: int) -> Any:
    """The first `count` words of a stream, as an array of dtype uint64."""
    header = json.dumps([_FORMAT, purpose, seed, *labels], separators=(",", ":"))
    stream = hashlib.shake_256(header.encode("ascii"))
    return np.frombuffer(stream.digest(8 * count), dtype="<u8").astype(np.uint64, copy=False)


def uniform(seed: int, name: str, shape: Sequence[int], dtype: Any) -> Any:
    """A tensor of this name and shape, uniform within Glorot's limit."""
    lengths = [int(length) for length in shape]
    drawn = words("uniform", seed, [name, lengths], _product(lengths))
    whole = (drawn >> np.uint64(11)).astype(np.int64) - 2**52
    fraction = whole.astype(np.float64) * 2.0**-52
    return (fraction * limit(lengths)).astype(dtype).reshape(lengths)


def limit(shape: Sequence[int]) -> float:
    """Glorot's limit for a tensor of this shape."""
    fan_in, fan_out = _fans(shape)
    return math.sqrt(6.0 / max(1, fan_in + fan_out))


def _fans(shape: Sequence[int]) -> Tuple[int, int]:
    """Inputs and outputs of one unit; the last two lengths are channels, those before space."""
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    space = _product(shape[:-2])
    return shape[-2] * space, shape[-1] * space


def _product(lengths: Sequence[int]) -> int:
    product = 1
    for length in lengths:
        product *= length
    return product


def permutation(seed: int, epoch: int, length: int) -> Any:
    """The order of an epoch (from 0): every index below `length` once, as int64."""
    order = list(range(length))
    drawn = words("permutation", seed, [epoch, length], max(0, length - 1)).tolist()
    for i, word in zip(range(length - 1, 0, -1), drawn):
        j = word * (i + 1) >> 64
        order[i], order[j] = order[j], order[i]
    return np.array(order, dtype=np.int64)
