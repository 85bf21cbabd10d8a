"""What comes back from a worker: arrays first, then the record that names them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from harness import scratch
from harness.results import blobs, reading
from harness.results.record import Record
from harness.results.store import Store

Fetch = Callable[[str, str], Iterable[bytes]]
"""The file of an array on the worker, by its kind and digest."""


def receive(store: Store, cell: str, repeat: int, text: str, fetch: Fetch) -> Record:
    """Write a run's record, as the worker sent it, and those of its arrays that are not here.

    A completed record from before stays where the run could not even start.

    Raises:
        RecordError: it is not the record of this run on this machine, its arrays are not what it
            says, or the disk does not take them.
        LookupError: the worker has the arrays no more.
    """
    record = _parsed(cell, repeat, text)
    before = store.read(cell, repeat)
    if record.status == "unavailable" and before is not None and before.status == "completed":
        return record
    arrays = record.measured.arrays if record.measured else {}
    absent = {k: sha256 for k, sha256 in arrays.items() if not store.blob_path(k, sha256).exists()}
    if not absent:
        store.write(record, None, None)
        return record
    with scratch.folder("arrays") as folder:
        for kind, sha256 in absent.items():
            _write(folder / kind, fetch(kind, sha256))
        store.write(record, *(folder / kind if kind in absent else None for kind in _ORDER))
    return record


_ORDER = (blobs.WEIGHTS, blobs.PREDICTIONS, blobs.TRACES)


def _parsed(cell: str, repeat: int, text: str) -> Record:
    # The same checks as for a file that is anybody's.
    record = reading.parse_record(Path(cell) / f"{repeat}.json", text.encode("utf-8"))
    return record.model_copy(update={"sha256": None})


def _write(path: Path, chunks: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
