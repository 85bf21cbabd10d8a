"""Which tensors of a model get shared initial weights, and which stay as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.runner import shared_random, shared_weights
from harness.runner.refusals import Unsupported

FORGET = np.repeat(np.array([0, 1, 0, 0], np.float32), 2)


def tensor(*shape: int) -> Any:
    return np.random.RandomState(0).rand(*shape).astype("<f4")


@pytest.mark.parametrize(
    "name",
    [
        "a/kernel",
        "a/kernel#2",
        "lstm/recurrent_kernel",
        "b/depthwise_kernel",
        "b/pointwise_kernel",
        "words/embeddings",
    ],
)
def test_kernels_are_drawn(name: str) -> None:
    [(same, drawn)] = shared_weights.shared(42, [(name, tensor(6, 4))])
    assert same == name
    assert np.array_equal(drawn, shared_random.uniform(42, name, (6, 4), "<f4"))


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("a/bias", np.zeros(3, np.float32)),
        ("lstm/bias", FORGET),
        ("norm/gamma", np.ones(3, np.float32)),
        ("norm/moving_mean", np.zeros(3, np.float32)),
        ("dropout/seed_generator_state", np.array([7, 9], np.uint32)),
    ],
)
def test_what_is_not_random_stays(name: str, array: Any) -> None:
    [(_, kept)] = shared_weights.shared(42, [(name, array)])
    assert kept is array


def test_what_may_be_random_is_refused() -> None:
    with pytest.raises(Unsupported, match="initial_weights: norm/gamma is no kernel, and holds"):
        shared_weights.shared(42, [("a/kernel", tensor(2, 2)), ("norm/gamma", tensor(3))])


def test_one_bit_more_or_another_seed_is_not_shared() -> None:
    named = shared_weights.shared(42, [("a/kernel", tensor(6, 4)), ("a/bias", FORGET)])
    assert shared_weights.are_shared(42, named)
    assert not shared_weights.are_shared(43, named)
    kernel = named[0][1].copy()
    kernel.view(np.uint32)[5, 3] ^= 1
    assert not shared_weights.are_shared(42, [("a/kernel", kernel), named[1]])
