"""Digests are what `harness.runner.hashing` documents, computed here by hand."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from harness.results import blobs
from harness.runner import hashing

KERNEL = np.array([[1.0, -2.0, 0.5], [0.0, 3.25, -0.125]], dtype=np.float32)
KERNEL_BYTES = struct.pack("<6f", 1.0, -2.0, 0.5, 0.0, 3.25, -0.125)
KERNEL_DIGEST = hashlib.sha256(b'["hidden/kernel","<f4",[2,3]]\0' + KERNEL_BYTES).hexdigest()
BIAS = np.array([7], dtype=np.int64)
BIAS_DIGEST = hashlib.sha256(b'["hidden/bias","<i8",[1]]\0' + struct.pack("<q", 7)).hexdigest()


def test_a_tensor_is_hashed_with_its_name_dtype_and_shape() -> None:
    assert hashing.tensor_digest("hidden/kernel", KERNEL) == KERNEL_DIGEST


@pytest.mark.parametrize(
    "same",
    [
        KERNEL.astype(">f4"),
        np.asfortranarray(KERNEL),
        np.repeat(KERNEL, 2, axis=1)[:, ::2],
        np.ascontiguousarray(KERNEL.T).T,
    ],
    ids=["big-endian", "fortran", "strided", "transposed"],
)
def test_memory_layout_and_byte_order_do_not_count(same: np.ndarray) -> None:
    assert np.array_equal(same, KERNEL)
    assert hashing.tensor_digest("hidden/kernel", same) == KERNEL_DIGEST


def test_scalars_and_empty_arrays_keep_their_shape() -> None:
    scalar = hashlib.sha256(b'["a","<f8",[]]\0' + struct.pack("<d", 1.5)).hexdigest()
    empty = hashlib.sha256(b'["a","|u1",[0,4]]\0').hexdigest()
    assert hashing.tensor_digest("a", np.float64(1.5)) == scalar
    assert hashing.tensor_digest("a", np.zeros((0, 4), dtype=np.uint8)) == empty


def test_names_outside_ascii_are_escaped_as_json_does() -> None:
    expected = hashlib.sha256(b'["\\u00e4","|u1",[1]]\0\x05').hexdigest()
    assert hashing.tensor_digest("ä", np.array([5], dtype=np.uint8)) == expected


@pytest.mark.parametrize(
    "other",
    [KERNEL.reshape(3, 2), KERNEL.astype("f8"), KERNEL + np.float32(1e-7), -KERNEL, KERNEL.T],
    ids=["shape", "dtype", "value", "sign", "transposed"],
)
def test_any_difference_counts(other: np.ndarray) -> None:
    assert hashing.tensor_digest("hidden/kernel", other) != KERNEL_DIGEST


def test_minus_zero_is_not_zero() -> None:
    zero, minus = np.array([0.0], dtype="f4"), np.array([-0.0], dtype="f4")
    assert hashing.tensor_digest("a", zero) != hashing.tensor_digest("a", minus)


def test_weights_are_hashed_over_their_tensors_digests_in_order() -> None:
    expected = hashlib.sha256(f"{KERNEL_DIGEST}\n{BIAS_DIGEST}\n".encode()).hexdigest()
    names = ["hidden/kernel", "hidden/bias"]
    assert hashing.digest_of_arrays(names, [KERNEL, BIAS]) == expected
    assert hashing.digest_of_arrays(names[::-1], [BIAS, KERNEL]) != expected


@pytest.mark.parametrize("names", [["a", "a"], ["a"], ["a", "b", "c"]])
def test_names_must_be_unique_and_as_many_as_arrays(names: list[str]) -> None:
    with pytest.raises(ValueError, match="unique"):
        hashing.digest_of_arrays(names, [KERNEL, BIAS])


@pytest.mark.parametrize(
    "array",
    [np.array(["text"]), np.array([{}]), np.zeros(1, dtype="V2")],
    ids=["text", "object", "V2"],
)
def test_what_is_not_a_number_is_refused(array: np.ndarray) -> None:
    with pytest.raises(TypeError, match="dtype"):
        hashing.tensor_digest("a", array)


def test_a_file_gives_back_names_values_and_the_same_digest(tmp_path: Path) -> None:
    path = str(tmp_path / "weights.npz")
    hashing.write_arrays(path, ["hidden/kernel", "hidden/bias"], [KERNEL.astype(">f4"), BIAS])
    with Path(path).open("rb") as file:
        stored = blobs.arrays_in(file)
        digest = blobs.digest_of(file, blobs.WEIGHTS)
    names, arrays = list(stored), list(stored.values())
    assert names == ["hidden/kernel", "hidden/bias"]
    assert arrays[0].dtype == np.dtype("<f4")
    assert np.array_equal(arrays[0], KERNEL)
    expected = hashing.digest_of_arrays(names, [KERNEL, BIAS])
    assert digest == expected
    assert [entry.name for entry in tmp_path.iterdir()] == ["weights.npz"]


def test_shapes_of_every_rank_survive_a_file(tmp_path: Path) -> None:
    path = str(tmp_path / "shapes.npz")
    shapes: list[tuple[int, ...]] = [(), (1,), (0, 3), (2, 3, 4, 5)]
    arrays = [np.arange(np.prod(shape), dtype="f4").reshape(shape) for shape in shapes]
    hashing.write_arrays(path, [str(rank) for rank in range(len(shapes))], arrays)
    with Path(path).open("rb") as file:
        assert [array.shape for array in blobs.arrays_in(file).values()] == shapes


def test_the_bytes_of_a_file_are_fixed(tmp_path: Path) -> None:
    """Blobs are named by the digest of their tensors: two machines must write the same file."""
    path = tmp_path / "weights.npz"
    hashing.write_arrays(str(path), ["hidden/kernel"], [KERNEL])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest == "fefe3e0bc50cd11250c6e6efd3fd60bafab9b81e26bf3883fb2b4a17cc06f6be"
