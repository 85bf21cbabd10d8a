"""How tensors are hashed, and how they are stored so that the hash can be checked.

Shared by the runner and the host. NumPy and the standard library only.

Digest of a tensor: SHA-256 over

1. `json.dumps([NAME, DTYPE, SHAPE], separators=(",", ":"))` in ASCII, where DTYPE is NumPy's
   little-endian text ("<f4", "<i8", "|u1") and SHAPE a list of whole numbers; types that NumPy
   has from elsewhere (bfloat16) count as the whole numbers of their bits ("<u2"),
2. one zero byte,
3. the elements in C order, little-endian.

Digest of several tensors (`weights_sha256`, `init_sha256`): SHA-256 over their digests in order,
each as 64 lower-case hexadecimal digits and a line feed. Names are unique within a model, and the
order is the model's own (layers in order, each layer's variables in order).

Predictions are one tensor with the name "predictions"; `predictions_sha256` is its digest.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from typing import Any, Iterable, Sequence

import numpy as np

PREDICTIONS_NAME = "predictions"

_EPOCH = (1980, 1, 1, 0, 0, 0)
_ALIGNMENT = 64


def is_extension(array: Any) -> bool:
    """Whether the elements are of a small type that NumPy knows from elsewhere, as bfloat16."""
    dtype = array.dtype
    return dtype.kind == "V" and dtype.type is not np.void and dtype.itemsize in (1, 2)


def is_hashable(array: Any) -> bool:
    """Whether the elements are plain numbers."""
    return array.dtype.kind in "biufc" or is_extension(array)


def little_endian(array: Any) -> Any:
    """The array with its elements in little-endian order, same values, same shape.

    Elements of an extension type are taken by their bits, as whole numbers.

    Raises:
        TypeError: the elements are not plain numbers (objects, text).
    """
    plain = np.asarray(array)
    if is_extension(plain):
        plain = plain.view("u%d" % plain.dtype.itemsize)
    if plain.dtype.kind not in "biufc":
        raise TypeError("only plain numbers can be hashed, not dtype %s" % plain.dtype)
    return plain.astype(plain.dtype.newbyteorder("<"), copy=False)


def dtype_text(array: Any) -> str:
    """The dtype as it is hashed and recorded: "<f4", "|u1"."""
    return str(little_endian(array).dtype.newbyteorder("<").str)


def dtype_name(array: Any) -> str:
    """The dtype as a record names it: that of the elements, not of the bits that are hashed."""
    return str(array.dtype.name) if is_extension(array) else dtype_text(array)


def tensor_digest(name: str, array: Any) -> str:
    """The SHA-256 of one named tensor, as described above, in hexadecimal."""
    plain = little_endian(array)
    header = json.dumps([name, dtype_text(plain), list(plain.shape)], separators=(",", ":"))
    digest = hashlib.sha256(header.encode("ascii") + b"\0")
    # Not `tobytes`: a data set is large, and here it is hashed without a copy of it.
    digest.update(np.ascontiguousarray(plain).reshape(-1).data)
    return digest.hexdigest()


def combined_digest(tensor_digests: Iterable[str]) -> str:
    """The SHA-256 over the digests of several tensors, in their order."""
    lines = "".join(digest + "\n" for digest in tensor_digests)
    return hashlib.sha256(lines.encode("ascii")).hexdigest()


def digest_of_arrays(names: Sequence[str], arrays: Sequence[Any]) -> str:
    """The digest of several named tensors: `weights_sha256` of these weights."""
    if len(names) != len(arrays) or len(set(names)) != len(names):
        raise ValueError("names must be unique and as many as arrays: %s" % (list(names),))
    return combined_digest(tensor_digest(name, array) for name, array in zip(names, arrays))


def write_arrays(path: str, names: Sequence[str], arrays: Sequence[Any]) -> None:
    """Write an `.npz` that `numpy.load` reads; the same tensors give the same bytes everywhere.

    The file appears whole or not at all.
    """
    unfinished = path + ".unfinished"
    with open(unfinished, "wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, array in zip(names, arrays):
                archive.writestr(_entry(name), _npy(array))
        file.flush()
        os.fsync(file.fileno())
    os.replace(unfinished, path)


def _entry(name: str) -> zipfile.ZipInfo:
    """An archive entry without anything of this moment or machine."""
    entry = zipfile.ZipInfo(name + ".npy", date_time=_EPOCH)
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry


def npy_header(array: Any) -> bytes:
    """What stands before the elements in NumPy's format 1.0.

    Written here because NumPy's own varies by its version:
    https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
    """
    shape = tuple(int(length) for length in array.shape)
    text = "{'descr': '%s', 'fortran_order': False, 'shape': %r, }" % (dtype_text(array), shape)
    padding = -(10 + len(text) + 1) % _ALIGNMENT
    header = (text + " " * padding + "\n").encode("ascii")
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header


def _npy(array: Any) -> bytes:
    plain = little_endian(array)
    return npy_header(plain) + bytes(plain.tobytes(order="C"))
