"""Reading back what is stored by its digest: arrays, and the folders of users' scripts.

The file may be anybody's. Nothing in it is believed: no pickle is run, nothing is unpacked that is
larger than the file itself, and what does not have the digest of its name is refused.
"""

from __future__ import annotations

import math
import os
import re
import struct
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from harness.errors import RecordError
from harness.results.names import BLOB_FOLDER, is_sha256
from harness.results.regular_files import opened
from harness.runner import hashing, trace
from harness.subjects import folder_archives

Arrays = dict[str, npt.NDArray[Any]]
"""Arrays by name, in the order in which they were stored."""

MAX_BYTES = 4 << 30
"""Larger files are not read into memory."""

WEIGHTS, PREDICTIONS, TRACES = "weights", "predictions", "traces"
KINDS = (WEIGHTS, PREDICTIONS, TRACES)
"""The kinds of arrays."""

SCRIPTS = "scripts"
"""Beside the arrays: the folders of users' scripts, as archives (see `folder_archives`)."""

MAX_SCRIPT_BYTES = 64 << 20
"""Larger archives of scripts are neither stored nor read."""


_BROKEN = (
    *(ValueError, ArithmeticError, EOFError, NotImplementedError, struct.error),
    # RuntimeError: an entry with a password.
    *(RuntimeError, zipfile.BadZipFile),
)
"""What `zipfile` and NumPy raise for archives that are damaged or made up."""

_HEADER_BYTES = 4096
_HEADER = re.compile(
    rb"\{'descr': '(?P<dtype>[<|][biufc][1-9][0-9]?)', 'fortran_order': False, "
    rb"'shape': \((?P<shape>(?:[0-9]{1,18}, ?)*(?:[0-9]{1,18})?)\), \} *\n"
)
"""The header as `hashing.write_arrays` writes it. NumPy's own reader parses any Python literal."""


def folder_of(sweep: Path) -> Path:
    """The folder of the blobs that the records of a sweep folder (`MATRIX/MACHINE`) name."""
    return sweep.absolute().parent / BLOB_FOLDER


def path_of(blobs: Path, kind: str, sha256: str) -> Path:
    """Where what has this digest lies, or would lie; `kind` is one of `KINDS`, or `SCRIPTS`.

    Raises:
        RecordError: it could lie nowhere.
    """
    if kind not in (*KINDS, SCRIPTS) or not is_sha256(sha256):
        raise RecordError(f"{blobs}: nothing is stored under {kind!r}, {sha256!r}")
    return blobs / kind / f"{sha256}.{'tar' if kind == SCRIPTS else 'npz'}"


def read_weights(blobs: Path, sha256: str) -> Arrays | None:
    """The weights with this digest, None where they are not stored.

    Raises:
        RecordError: the file is damaged, too large or holds something else.
    """
    return _read(blobs, WEIGHTS, sha256)


def read_predictions(blobs: Path, sha256: str) -> npt.NDArray[Any] | None:
    """The predictions on the test part with this digest, None where they are not stored.

    Raises:
        RecordError: the file is damaged, too large or holds something else.
    """
    arrays = _read(blobs, PREDICTIONS, sha256)
    return None if arrays is None else arrays[hashing.PREDICTIONS_NAME]


def read_trace(blobs: Path, sha256: str) -> Arrays | None:
    """The columns of the trace with this digest, None where it is not stored.

    Raises:
        RecordError: the file is damaged, too large or holds something else.
    """
    return _read(blobs, TRACES, sha256)


def script_archive(blobs: Path, sha256: str) -> Path | None:
    """The archive of the script's folder with this digest, None where it is not stored.

    Raises:
        RecordError: the file is damaged, too large or holds something else.
    """
    path = path_of(blobs, SCRIPTS, sha256)
    _refuse_links(path)
    if not os.path.lexists(path):
        return None
    try:
        with opened(path) as file:
            digest = script_digest(file)
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise _unusable(path, f"holds no folder of a script: {error}") from error
    if digest != sha256:
        raise _unusable(path, f"its files have the digest {digest}: it was changed or damaged")
    return path


def script_digest(file: IO[bytes]) -> str:
    """The digest under which the archive of a script's folder in an open file is stored.

    Raises:
        ValueError: it holds something else, or is too large.
        OSError: it cannot be read.
    """
    return folder_archives.digest_of(file, MAX_SCRIPT_BYTES)


def arrays_in(file: IO[bytes]) -> Arrays:
    """The arrays in an open file that `hashing.write_arrays` wrote.

    Raises:
        ValueError: it is another file.
        OSError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            _check_size(os.fstat(file.fileno()).st_size, archive)
            return {_name(entry): _array(archive, entry) for entry in archive.filelist}
    except _BROKEN as error:
        raise ValueError(str(error)) from error


def digest_of(file: IO[bytes], kind: str) -> str:
    """The digest under which the arrays of a kind in an open file are stored.

    Raises:
        ValueError: it holds something else.
        OSError: it cannot be read.
    """
    return _digest(arrays_in(file), kind)


def _read(blobs: Path, kind: str, sha256: str) -> Arrays | None:
    if not is_sha256(sha256):
        raise RecordError(f"{blobs}: {sha256!r} is not a digest, so no {kind} are stored under it")
    path = path_of(blobs, kind, sha256)
    _refuse_links(path)
    if not os.path.lexists(path):
        return None
    try:
        with opened(path) as file:
            arrays = arrays_in(file)
        digest = _digest(arrays, kind)
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise _unusable(path, f"holds no {kind}: {error}") from error
    if digest != sha256:
        raise _unusable(path, f"its arrays have the digest {digest}: it was changed or damaged")
    return arrays


def _refuse_links(path: Path) -> None:
    for folder in (path.parent.parent, path.parent):
        if folder.is_symlink():
            raise RecordError(f"{folder}: is a link, which is not followed; put the folder there")


def _digest(arrays: Arrays, kind: str) -> str:
    if kind == TRACES:
        _check_trace(arrays)
    if kind in (WEIGHTS, TRACES):
        return hashing.digest_of_arrays(list(arrays), list(arrays.values()))
    if list(arrays) != [hashing.PREDICTIONS_NAME]:
        raise ValueError(f"the arrays are {', '.join(arrays) or 'none'}")
    return hashing.tensor_digest(hashing.PREDICTIONS_NAME, arrays[hashing.PREDICTIONS_NAME])


_FIRST_NUMBERS = {"model": 1, "fit": 1, "epoch": 0, "step": 0}


def _check_trace(arrays: Arrays) -> None:
    kinds = {name: array.dtype.str for name, array in arrays.items()}
    if kinds != trace.COLUMNS or len({array.shape for array in arrays.values()}) > 1:
        raise ValueError("its columns are not those of a trace")
    if arrays["step"].ndim != 1 or not arrays["step"].size:
        raise ValueError("its columns are not lists of one row or more")
    for name, least in _FIRST_NUMBERS.items():
        if arrays[name].min() < least:
            raise ValueError(f"a row has {name} {arrays[name].min()}")


def _check_size(size: int, archive: zipfile.ZipFile) -> None:
    """Refuse what unpacks to more than lies on the disk: arrays are stored as they are."""
    if size > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES >> 30} GiB")
    stored = all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.filelist)
    if not stored or sum(entry.file_size for entry in archive.filelist) > size:
        raise ValueError("packed, and the harness stores arrays unpacked")


def _name(entry: zipfile.ZipInfo) -> str:
    if not entry.filename.endswith(".npy"):
        raise ValueError(f"{entry.filename!r} is no array")
    return entry.filename.removesuffix(".npy")


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> npt.NDArray[Any]:
    """One array; its header is checked before any memory is asked for."""
    with archive.open(entry) as file:
        dtype, shape = _header(file)
        data = file.read()
    if math.prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"{entry.filename}: {len(data)} bytes are no {dtype} of shape {shape}")
    # CRC and length are checked by the reading; the digest decides in the end.
    return np.frombuffer(data, dtype=dtype).reshape(shape)


def _header(file: IO[bytes]) -> tuple[np.dtype[Any], tuple[int, ...]]:
    start = file.read(10)
    length = int.from_bytes(start[8:], "little")
    match = _HEADER.fullmatch(file.read(length)) if length <= _HEADER_BYTES else None
    if start[:8] != b"\x93NUMPY\x01\x00" or match is None:
        raise ValueError("an array has no header as the harness writes it")
    shape = tuple(int(number) for number in match["shape"].split(b",") if number.strip())
    return _dtype(match["dtype"].decode("ascii")), shape


def _dtype(text: str) -> np.dtype[Any]:
    try:
        return np.dtype(text)
    except TypeError as error:
        raise ValueError(f"{text} is no kind of number") from error


def _unusable(path: Path, what: str) -> RecordError:
    return RecordError(f"{path}: {what}; delete the file and copy it again from where it was made")
