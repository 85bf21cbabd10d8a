"""Stored arrays read back: only what has the digest of its name, and nothing that hides."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from results.made import array_files

from harness.errors import RecordError
from harness.results import blobs


@pytest.fixture
def stored(tmp_path: Path) -> tuple[Path, str, str]:
    """A folder of blobs with one model in it, and the model's digests."""
    weights, predictions, measured = array_files(tmp_path / "made", 1)
    first, second = measured.weights_sha256, measured.predictions_sha256
    for kind, source, sha256 in (("weights", weights, first), ("predictions", predictions, second)):
        (tmp_path / "blobs" / kind).mkdir(parents=True)
        source.rename(tmp_path / "blobs" / kind / f"{sha256}.npz")
    return tmp_path / "blobs", first, second


def test_arrays_come_back_in_order(stored: tuple[Path, str, str]) -> None:
    folder, weights, predictions = stored
    found = blobs.read_weights(folder, weights)
    assert found is not None
    assert [(name, array.shape) for name, array in found.items()] == [
        ("dense/kernel", (64, 32)),
        ("dense/bias", (32,)),
    ]
    foretold = blobs.read_predictions(folder, predictions)
    assert foretold is not None and foretold.shape == (64, 10)


def test_what_is_not_stored_is_none(stored: tuple[Path, str, str]) -> None:
    folder, weights, _ = stored
    assert blobs.read_weights(folder, "0" * 64) is None
    assert blobs.read_predictions(folder, weights) is None


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64])
def test_a_name_that_is_no_digest_is_refused(stored: tuple[Path, str, str], name: str) -> None:
    with pytest.raises(RecordError, match="is not a digest"):
        blobs.read_weights(stored[0], name)


def _replaced(stored: tuple[Path, str, str], how: str) -> None:
    folder, sha256, _ = stored
    path = folder / "weights" / f"{sha256}.npz"
    if how == "changed":
        data = bytearray(path.read_bytes())
        other = zipfile.ZipFile(path)
        arrays = {name: other.read(name) for name in other.namelist()}
        first = next(iter(arrays))
        arrays[first] = arrays[first][:-4] + b"\0\0\0\0"
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in arrays.items():
                archive.writestr(name, content)
        assert path.read_bytes() != data
    elif how == "cut off":
        path.write_bytes(path.read_bytes()[:-100])
    elif how == "packed":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("w.npy", b"\0" * 50_000_000)
    elif how == "pickled":
        np.savez(path, w=np.array([{"a": 1}], dtype=object))
    elif how == "another file in it":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("../../x", b"")
    elif how == "a header that lies":
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }"
        header += b" " * (117 - len(header)) + b"\n"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(
                "w.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
            )


@pytest.mark.parametrize(
    "how",
    ["changed", "cut off", "packed", "pickled", "another file in it", "a header that lies"],
)
def test_anything_else_is_refused_by_its_name(stored: tuple[Path, str, str], how: str) -> None:
    _replaced(stored, how)
    with pytest.raises(RecordError, match=rf"{stored[1]}\.npz: .*; delete the file"):
        blobs.read_weights(stored[0], stored[1])


def test_weights_are_no_predictions(stored: tuple[Path, str, str]) -> None:
    folder, weights, _ = stored
    source = folder / "weights" / f"{weights}.npz"
    (folder / "predictions" / f"{weights}.npz").write_bytes(source.read_bytes())
    with pytest.raises(RecordError, match="holds no predictions: the arrays are dense/kernel"):
        blobs.read_predictions(folder, weights)
