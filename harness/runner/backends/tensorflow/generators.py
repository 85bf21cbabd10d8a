"""The three generators of random numbers: Python's, NumPy's and TensorFlow's."""

from __future__ import annotations

import random
from typing import Any, Callable, Dict, List, Sequence, Tuple

import numpy as np
import tensorflow as tf

NAMED: Dict[str, Tuple[str, ...]] = {
    "all": ("python", "numpy", "tf"),
    "python": ("python",),
    "numpy": ("numpy",),
    "tf": ("tf",),
    "none": (),
}
"""Which generators each word of `seeding` names; a set of them is their names with `+` between."""

_TENSORFLOW_SEEDS = 2**31 - 1


def named(which: str) -> Tuple[str, ...]:
    """The generators that a value of `seeding` names."""
    return NAMED[which] if which in NAMED else tuple(which.split("+"))


def name_of(generators: Sequence[str]) -> str:
    """The value of `seeding` that names these generators, which are in the order of `all`."""
    words = {names: word for word, names in NAMED.items()}
    return words.get(tuple(generators), "+".join(generators))


def seed(which: str, number: int) -> None:
    """Give the seed to the generators that `which` names, and fresh entropy to the others.

    Without the entropy, children forked from one process would share their parent's state, and
    runs without a seed would look reproducible.
    """
    random.seed()
    np.random.seed()
    for generator in named(which):
        _SEEDERS[generator](number)


def _seed_tensorflow(number: int) -> None:
    if hasattr(tf.random, "set_seed"):
        tf.random.set_seed(number)
    else:
        tf.compat.v1.set_random_seed(number)


_SEEDERS: Dict[str, Callable[[int], Any]] = {
    "python": random.seed,
    "numpy": np.random.seed,
    "tf": _seed_tensorflow,
}


def with_seed(number: int) -> List[str]:
    """The generators whose state now is the one this seed gives. Draws from none of them."""
    states = {
        "python": random.getstate() == random.Random(number).getstate(),
        "numpy": _numpy_state(np.random) == _numpy_state(np.random.RandomState(number)),
        "tf": tf.compat.v1.get_seed(1)[0] == number % _TENSORFLOW_SEEDS,
    }
    return [name for name in NAMED["all"] if states[name]]


def _numpy_state(generator: Any) -> Tuple[Any, ...]:
    name, keys, *rest = generator.get_state()
    return (name, keys.tobytes(), *rest)
