"""Data sets prepared on the host: cached, verified on every use, made again when damaged."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import filelock
import numpy as np
from numpy.typing import NDArray

from harness import console, places
from harness.datasets import catalogue, obtaining
from harness.datasets.catalogue import DataSet
from harness.datasets.prepared import Prepared
from harness.datasets.preprocessed import ARRAYS, Built
from harness.datasets.sources import Source
from harness.errors import DataError
from harness.runner import hashing

SCHEMA = 1
DESCRIPTION = "dataset.json"


def prepare(name: str, *, sources: Iterable[Source] | None = None) -> Prepared:
    """The data set, ready to be mounted; made now unless the cache has it whole.

    `sources` are asked instead of the catalogue's, in order.

    Raises:
        UsageError: there is no such data set.
        DataError: no source has it, or it cannot be written.
    """
    data_set = catalogue.get(name)
    root = places.cache("datasets")
    folder = root / f"{name}-{data_set.sha256[:12]}"
    prepared = Prepared(name=name, folder=folder, sha256=data_set.sha256)
    if damage(prepared) is None:
        return prepared
    try:
        with filelock.FileLock(root / f".{name}.lock"):
            _make(data_set, prepared, sources)
    except OSError as error:
        raise DataError(
            f"{folder}: the data set {name} cannot be written: {error.strerror}; it takes "
            f"{data_set.size / 1e6:.1f} MB: make room, or set {places.CACHE_VARIABLE} to a folder "
            "on another disk"
        ) from error
    return prepared


def damage(prepared: Prepared) -> str | None:
    """What is missing from or wrong with the files of a prepared data set, None if nothing is."""
    try:
        described = (prepared.folder / DESCRIPTION).read_bytes()
        if hashlib.sha256(described).hexdigest() != prepared.sha256:
            return f"{DESCRIPTION} changed"
        expected = json.loads(described)["arrays"]
        changed = [name for name in ARRAYS if not _is_whole(prepared.folder, name, expected[name])]
    except FileNotFoundError as error:
        return f"{Path(error.filename).name} is missing"
    return f"{', '.join(changed)} changed" if changed else None


def _is_whole(folder: Path, name: str, expected: dict[str, Any]) -> bool:
    try:
        array = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        return _described(name, array) == expected
    except FileNotFoundError:
        raise
    except (ValueError, EOFError, OSError):
        return False


def _make(data_set: DataSet, prepared: Prepared, sources: Iterable[Source] | None) -> None:
    folder = prepared.folder
    what = damage(prepared)
    if what is None:
        # Another process made it while this one waited for the lock.
        return
    if folder.exists():
        console.note(f"data set {data_set.name}: {folder}: {what}; it is made again")
    for left in folder.parent.glob(f".{data_set.name}-*"):
        shutil.rmtree(left, ignore_errors=True)
    originals = obtaining.originals(data_set, sources)
    built = data_set.build(originals)
    _write(folder, description(data_set, built), built, data_set)


def description(data_set: DataSet, built: Built) -> bytes:
    """The bytes of `dataset.json`: they follow from the originals and the preprocessing alone."""
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "name": data_set.name,
        "title": data_set.title,
        "source": dict(data_set.originals),
        "preprocessing": {"steps": list(built.steps), "parameters": dict(built.parameters)},
        "arrays": {name: _described(name, built.arrays[name]) for name in ARRAYS},
        "unit": built.unit,
    }
    if built.mean is not None:
        content["scale"] = {"mean": built.mean, "std": built.std}
    return (json.dumps(content, sort_keys=True, indent=1) + "\n").encode("ascii")


def _described(name: str, array: NDArray[Any]) -> dict[str, Any]:
    """Shape, dtype and digest (`harness.runner.hashing`) of one array."""
    return {
        "name": name,
        "shape": list(array.shape),
        "dtype": hashing.dtype_text(array),
        "sha256": hashing.tensor_digest(name, array),
    }


def _write(folder: Path, described: bytes, built: Built, data_set: DataSet) -> None:
    digest = hashlib.sha256(described).hexdigest()
    if digest != data_set.sha256:
        raise DataError(
            f"the data set {data_set.name} came out as {digest}, and every machine must get "
            f"{data_set.sha256}; this NumPy ({np.__version__}) or CPU computes differently"
        )
    if len(built.arrays["train_x"]) != data_set.rows:
        raise DataError(
            f"the data set {data_set.name} has {len(built.arrays['train_x'])} training rows, and"
            f" the catalogue says {data_set.rows}; correct the catalogue"
        )
    temporary = Path(tempfile.mkdtemp(prefix=f".{data_set.name}-", dir=folder.parent))
    try:
        fresh = temporary / "fresh"
        fresh.mkdir()
        for name in ARRAYS:
            _write_array(fresh / f"{name}.npy", built.arrays[name])
        _write_file(fresh / DESCRIPTION, described)
        for readable in (folder.parent, fresh):
            # Containers run as another user, whatever this one's umask says.
            readable.chmod(0o755)
        if folder.exists():
            folder.rename(temporary / "damaged")
        fresh.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write_array(path: Path, array: NDArray[Any]) -> None:
    _write_file(path, hashing.npy_header(array), np.ascontiguousarray(array).data)


def _write_file(path: Path, *parts: bytes | memoryview) -> None:
    with path.open("wb") as file:
        for part in parts:
            file.write(part)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o644)
