"""MNIST: 70,000 handwritten digits, decoded from the forms in which people have them.

The canonical form is the four files that LeCun, Cortes and Burges published: every other form is
turned back into their bytes, and their digests decide.
"""

from __future__ import annotations

import gzip
import io
import pickle
import struct
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from harness.datasets.preprocessed import Built

TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"
TEST_IMAGES = "t10k-images-idx3-ubyte"
TEST_LABELS = "t10k-labels-idx1-ubyte"

SHA256: Final[Mapping[str, str]] = {
    TRAIN_IMAGES: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    TRAIN_LABELS: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    TEST_IMAGES: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    TEST_LABELS: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

_SIDE = 28
_HIGHEST = 255
_LARGEST_FILE = 64 << 20
_PICKLE_STEPS = 256
"""The pickled form holds byte / 256, exactly."""


def build(originals: Mapping[str, bytes]) -> Built:
    """Images as float32 in [0, 1], shape (n, 28, 28); labels as int32, shape (n,)."""
    return Built(
        arrays={
            "train_x": _scaled(_images(originals[TRAIN_IMAGES])),
            "train_y": _labels(originals[TRAIN_LABELS]).astype("<i4"),
            "test_x": _scaled(_images(originals[TEST_IMAGES])),
            "test_y": _labels(originals[TEST_LABELS]).astype("<i4"),
        },
        steps=(
            "Images and labels are those of the original files, in their order: the first file "
            "pair is the training part, the second the test part.",
            "A pixel is its byte divided by 255, one division in float32 (IEEE 754).",
            "A label is the digit as int32.",
        ),
        parameters={"divisor": _HIGHEST},
        unit="digit",
    )


def _scaled(images: NDArray[np.uint8]) -> NDArray[Any]:
    scaled: NDArray[np.float32] = images.astype("<f4") / np.float32(_HIGHEST)
    return scaled


def _images(idx: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(idx, np.uint8, offset=16).reshape(-1, _SIDE, _SIDE)


def _labels(idx: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(idx, np.uint8, offset=8)


def from_idx(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The original files are the canonical form."""
    return dict(files)


def from_gzipped_idx(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The original files as they are often kept, each compressed with gzip."""
    return {name.removesuffix(".gz"): _unzipped(data) for name, data in files.items()}


def from_npz(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Keras' `mnist.npz`: arrays of bytes."""
    (data,) = files.values()
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return _idx_files(*(arrays[key] for key in ("x_train", "y_train", "x_test", "y_test")))


def from_pickle(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """`mnist.pkl.gz`: 50,000, 10,000 and 10,000 rows of float32 with their labels."""
    (data,) = files.values()
    with gzip.open(io.BytesIO(data)) as opened:
        train, validation, test = _ArraysOnly(opened, encoding="latin1").load()
    images, labels = (np.concatenate(pair) for pair in zip(train, validation, strict=True))
    return _idx_files(_as_bytes(images), labels, _as_bytes(test[0]), test[1])


def _as_bytes(pixels: NDArray[np.float32]) -> NDArray[np.uint8]:
    scaled: NDArray[np.float32] = pixels * np.float32(_PICKLE_STEPS)
    return scaled.astype(np.uint8).reshape(-1, _SIDE, _SIDE)


def _unzipped(data: bytes) -> bytes:
    with gzip.open(io.BytesIO(data)) as opened:
        return opened.read(_LARGEST_FILE)


def _idx_files(
    train_x: NDArray[Any], train_y: NDArray[Any], test_x: NDArray[Any], test_y: NDArray[Any]
) -> dict[str, bytes]:
    return {
        TRAIN_IMAGES: _idx(train_x),
        TRAIN_LABELS: _idx(train_y),
        TEST_IMAGES: _idx(test_x),
        TEST_LABELS: _idx(test_y),
    }


def _idx(array: NDArray[Any]) -> bytes:
    """The IDX format: two zero bytes, 8 for bytes, the number of dimensions, the lengths."""
    magic = 0x0800 | array.ndim
    lengths = struct.pack(f">I{array.ndim}I", magic, *array.shape)
    return lengths + array.astype(np.uint8).tobytes()


class _ArraysOnly(pickle.Unpickler):
    """Loads NumPy arrays and nothing else, so that a pickle can call nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("numpy", "ndarray"):
            return np.ndarray
        if (module, name) == ("numpy", "dtype"):
            return np.dtype
        if (module, name) == ("numpy.core.multiarray", "_reconstruct"):
            # Its module was renamed in NumPy 2; this way both names lead there.
            return np.empty(0).__reduce__()[0]
        raise pickle.UnpicklingError(f"{module}.{name} is not part of an array")
