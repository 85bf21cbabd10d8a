"""The harness' own random numbers: their definition, worked out here by hand, and known values."""

from __future__ import annotations

import hashlib
import json
import math
import struct
from fractions import Fraction

import numpy as np
import pytest

from harness.runner import shared_random
from harness.runner.hashing import tensor_digest

ORDER = [0, 4, 9, 7, 5, 6, 8, 3, 1, 2]
NEXT_ORDER = [3, 1, 7, 9, 2, 8, 4, 6, 0, 5]
FIRST_ELEMENTS = ["-0x1.76d7ca0000000p-3", "-0x1.547a0e0000000p-3", "-0x1.fd89640000000p-6"]
KERNEL_SHA256 = "3a639b39e20c3095d0a74ab66cf8366dca96b91e2b14bfa7e2ff2dbc4b355b42"
ORDER_SHA256 = "4a140bd4c58e3331970a6e2fe9abbf5dedf9bd89c1f1197f5daa68c3e83f0506"


def words_by_hand(header: list[object], count: int) -> list[int]:
    text = json.dumps(header, separators=(",", ":")).encode()
    return list(struct.unpack(f"<{count}Q", hashlib.shake_256(text).digest(8 * count)))


def test_a_uniform_tensor_is_what_its_definition_says() -> None:
    shape = [3, 2, 4]
    words = words_by_hand(["harness shared random numbers 1", "uniform", 7, "a/kernel", shape], 24)
    limit = math.sqrt(6 / (3 * 2 + 3 * 4))
    # float() of a fraction is rounded once, to nearest, ties to even.
    doubles = [float(Fraction(w >> 11) / 2**52 - 1) * limit for w in words]
    singles = np.array(doubles, dtype=np.float64).astype("<f4").reshape(shape)
    drawn = shared_random.uniform(7, "a/kernel", shape, "<f4")
    assert drawn.tobytes() == singles.tobytes() and drawn.shape == (3, 2, 4)


def test_a_permutation_is_what_its_definition_says() -> None:
    words = words_by_hand(["harness shared random numbers 1", "permutation", 7, 3, 5], 4)
    order = [0, 1, 2, 3, 4]
    for word, last in zip(words, (4, 3, 2, 1), strict=True):
        other = math.floor(Fraction(word * (last + 1), 2**64))
        order[last], order[other] = order[other], order[last]
    assert shared_random.permutation(7, 3, 5).tolist() == order


def test_short_ones_are_known() -> None:
    # Real environments from NumPy 1.19 on are tried in tests/sweep/test_shared_starts.py.
    assert shared_random.permutation(42, 0, 10).tolist() == ORDER
    assert shared_random.permutation(42, 1, 10).tolist() == NEXT_ORDER
    kernel = shared_random.uniform(42, "digit/kernel", (128, 10), "<f4")
    assert [float(value).hex() for value in kernel.reshape(-1)[:3]] == FIRST_ELEMENTS


def test_long_ones_have_known_digests() -> None:
    kernel = shared_random.uniform(42, "hidden/kernel", (784, 128), "<f4")
    order = shared_random.permutation(42, 0, 12000)
    assert tensor_digest("hidden/kernel", kernel) == KERNEL_SHA256
    assert hashlib.sha256(order.astype("<i8").tobytes()).hexdigest() == ORDER_SHA256


def test_another_seed_name_shape_or_epoch_gives_other_numbers() -> None:
    kernels = [
        shared_random.uniform(1, "a/kernel", (8, 8), "<f4"),
        shared_random.uniform(2, "a/kernel", (8, 8), "<f4"),
        shared_random.uniform(1, "b/kernel", (8, 8), "<f4"),
        shared_random.uniform(1, "a/kernel", (4, 16), "<f4").reshape(8, 8) * np.float32(1),
    ]
    assert len({kernel.tobytes() for kernel in kernels}) == 4
    orders = [shared_random.permutation(*each) for each in ((1, 0, 50), (2, 0, 50), (1, 1, 50))]
    assert len({order.tobytes() for order in orders}) == 3


def test_a_permutation_holds_every_index_once() -> None:
    for length in (0, 1, 2, 257):
        order = shared_random.permutation(3, 0, length)
        assert sorted(order.tolist()) == list(range(length)) and order.dtype == np.int64


def test_every_order_of_three_comes_up_alike() -> None:
    orders = [tuple(shared_random.permutation(seed, 0, 3).tolist()) for seed in range(6000)]
    counts = [orders.count(each) for each in set(orders)]
    # The seeds are fixed, so this cannot vary: 1000 each, five standard deviations wide.
    assert len(counts) == 6 and all(abs(count - 1000) < 145 for count in counts), counts


@pytest.mark.parametrize(
    ("shape", "fans"),
    [((784, 128), 784 + 128), ((3, 3, 16, 32), 9 * 16 + 9 * 32), ((5,), 10), ((), 2), ((5, 1), 6)],
    ids=str,
)
def test_the_limit_is_that_of_glorot(shape: tuple[int, ...], fans: int) -> None:
    assert shared_random.limit(shape) == math.sqrt(6 / fans)


def test_a_uniform_tensor_fills_its_range() -> None:
    kernel = shared_random.uniform(42, "hidden/kernel", (784, 128), "<f4").astype(float)
    limit = shared_random.limit((784, 128))
    assert 0.999 * limit < kernel.max() <= limit and -limit <= kernel.min() < -0.999 * limit
    assert abs(kernel.mean()) < 0.005 * limit
    assert abs(kernel.std() / (limit / math.sqrt(3)) - 1) < 0.005
