"""The prepared data set: `dataset.json` and four little-endian arrays."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import Any, Dict

import numpy as np

from harness.runner.refusals import Invalid

DESCRIPTION = "dataset.json"
ARRAYS = ("train_x", "train_y", "test_x", "test_y")


@dataclass(frozen=True)
class Data:
    """The arrays of a run, in memory; `sha256` is the digest of `dataset.json`'s bytes."""

    train_x: Any
    train_y: Any
    test_x: Any
    test_y: Any
    description: Dict[str, Any]
    sha256: str


def load(folder: str, samples: int | None) -> Data:
    """The first `samples` rows of the training part (None: all) and the whole test part.

    Raises:
        Invalid: there are fewer rows than asked for.
    """
    with open(os.path.join(folder, DESCRIPTION), "rb") as file:
        described = file.read()
    parts = {name: _mapped(folder, name) for name in ARRAYS}
    available = len(parts["train_x"])
    if samples is not None and samples > available:
        raise Invalid("samples: asked %d, found %d rows in the data" % (samples, available))
    parts["train_x"], parts["train_y"] = parts["train_x"][:samples], parts["train_y"][:samples]
    # A copy each: TensorFlow gets plain aligned memory, not a view of a file.
    arrays = {name: np.array(part) for name, part in parts.items()}
    return Data(
        description=json.loads(described.decode("utf-8")),
        sha256=hashlib.sha256(described).hexdigest(),
        **arrays,
    )


def _mapped(folder: str, name: str) -> Any:
    return np.load(os.path.join(folder, name + ".npy"), mmap_mode="r", allow_pickle=False)
