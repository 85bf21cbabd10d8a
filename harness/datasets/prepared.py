"""A data set as it is mounted for a training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """`folder` holds `dataset.json`, `train_x.npy`, `train_y.npy`, `test_x.npy`, `test_y.npy`.

    `sha256` is the digest of `dataset.json`'s bytes, which name every array's digest: it is the
    same on every machine.
    """

    name: str
    folder: Path
    sha256: str
