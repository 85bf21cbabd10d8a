"""The data of a script, as files named by the digest of their bytes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness import trees
from harness.datasets import preparing
from harness.runner import hashing
from harness.subjects import file_digests
from harness.subjects.scripts import DataSource

MNIST_SHA256: Final = "14d9ad8534618e489ae7fe6277dfb8b8cae9c988631718856cbd4f9018ae7ca5"
"""Of the file that is made from our MNIST: it follows from the data set, on every machine."""

_HIGHEST = 255


def sha256_of(source: DataSource) -> str:
    """The digest of a data file as it is now.

    Raises:
        DataError: it cannot be read, or has another digest than the matrix says.
    """
    if source.path is None:
        return MNIST_SHA256
    return file_digests.checked(source.path, source)


def writer(source: DataSource) -> Callable[[Path], None]:
    """What writes the bytes of a data file to a path."""
    if source.path is None:
        return _write_mnist
    return partial(shutil.copyfile, source.path)


def has(path: Path, sha256: str) -> bool:
    """Whether a regular file with this digest lies at `path`."""
    try:
        return not path.is_symlink() and trees.sha256_of(path) == sha256
    except OSError:
        return False


def _write_mnist(path: Path) -> None:
    """The arrays of Keras' `mnist.npz` by the same names; how they are packed is another way.

    https://keras.io/api/datasets/mnist/
    """
    folder = preparing.prepare("mnist").folder
    names = ("x_train", "y_train", "x_test", "y_test")
    arrays = [
        _as_bytes(np.load(folder / f"{part}_{axis}.npy", mmap_mode="r", allow_pickle=False))
        for part in ("train", "test")
        for axis in ("x", "y")
    ]
    hashing.write_arrays(os.fspath(path), names, arrays)


def _as_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    """Pixels were divided by 255, rounded once: they come back exactly. Labels stay."""
    scale = np.float32(_HIGHEST) if array.dtype.kind == "f" else 1
    found: NDArray[np.uint8] = np.rint(array * scale).astype(np.uint8)
    return found
