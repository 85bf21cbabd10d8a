"""From sources to verified originals: every source is asked until one has the right bytes."""

from __future__ import annotations

import gzip
import hashlib
import pickle
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from harness import console, scratch
from harness.datasets.catalogue import DataSet, Form
from harness.datasets.sources import DATA_VARIABLE, Source, SourceError
from harness.errors import DataError
from harness.protocol import untrusted

_LARGEST_FILE = 256 << 20
_UNDECODABLE = (
    ValueError,
    KeyError,
    EOFError,
    OSError,
    zlib.error,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    pickle.UnpicklingError,
)


def originals(data_set: DataSet, sources: Iterable[Source] | None = None) -> dict[str, bytes]:
    """The original files, name to bytes, each with the digest the catalogue knows.

    Raises:
        DataError: no source has them; the message says why for each, and where to put a file.
    """
    reasons = []
    for source in data_set.sources if sources is None else sources:
        try:
            return _from(source, data_set)
        except SourceError as error:
            reasons.append(f"{source.name}: {error}")
    tried = "\n  ".join(reasons)
    raise DataError(
        f"the data set {data_set.name} ({data_set.title}) could not be had; tried\n  {tried}\n"
        f"put {_wanted(data_set)} into a folder and set {DATA_VARIABLE} to it"
    )


def _wanted(data_set: DataSet) -> str:
    return ", or ".join(" and ".join(form.files) for form in data_set.forms)


def _from(source: Source, data_set: DataSet) -> dict[str, bytes]:
    if source.is_remote:
        console.note(f"data set {data_set.name}: {source.name}")
    with scratch.folder("data") as folder:
        try:
            return in_folder(source.folder(folder), data_set)
        except OSError as error:
            raise SourceError(str(error)) from error


def in_folder(folder: Path, data_set: DataSet) -> dict[str, bytes]:
    """The originals from the files in a folder, in whichever form they are.

    Raises:
        SourceError: no form of them is there, or not with the right bytes.
    """
    reasons = []
    for form in data_set.forms:
        if not any((folder / name).is_file() for name in form.files):
            continue
        try:
            return _decoded(folder, form, data_set)
        except SourceError as error:
            reasons.append(str(error))
    raise SourceError("; ".join(reasons) or f"none of the files is in {folder}")


def _decoded(folder: Path, form: Form, data_set: DataSet) -> dict[str, bytes]:
    files = {name: _bytes(folder / name, accepted) for name, accepted in form.files.items()}
    try:
        found = form.decode(files)
    except _UNDECODABLE as error:
        raise SourceError(f"{folder / next(iter(files))} cannot be decoded: {error}") from error
    for name, sha256 in data_set.originals.items():
        digest = hashlib.sha256(found[name]).hexdigest()
        if digest != sha256:
            raise SourceError(f"{name} from {folder} has SHA-256 {digest}, not {sha256}")
    return found


def _bytes(path: Path, accepted: frozenset[str]) -> bytes:
    """The bytes of a file, checked before anything opens them."""
    try:
        data = untrusted.read_regular(path, _LARGEST_FILE, follow_links=True)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error
    digest = hashlib.sha256(data).hexdigest()
    if accepted and digest not in accepted:
        raise SourceError(f"{path} has SHA-256 {digest}, not {' or '.join(sorted(accepted))}")
    return data
