"""Folders that are made once and must stay as they were made: a manifest names every file's digest.

It is written last, so a folder without one was not made to its end. Later the folder is compared
with it by stamps (`harness.stamps`): only a file whose stamp is another one is hashed again.
"""

from __future__ import annotations

import hashlib
import json
import marshal
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from harness import stamps
from harness.protocol import files, untrusted

SCHEMA = 1
MANIFEST = ".manifest.json"
STAMPS = ".stamps.json"
"""The stamps that files had when they were as the manifest says."""
LISTING = ".listing.json"
"""The digest of all of them, and of all else that a listing has: the quick way to know."""

_LARGEST_BYTES = 1 << 28
_CHUNK = 1 << 20
_THREADS = 2
_FILES_AT_A_TIME = 256

Stamp = tuple[int, ...]
Listing = dict[str, Stamp | str]
"""What lies in a folder, by path: a file's stamp, `-> target` for a link, "" for a folder."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What a folder holds: digests and stamps of its files, links and folders as in `Listing`.

    Files changed after `until` may have changed again since, without a trace in their stamps.
    """

    digests: Mapping[str, str]
    stamps: Mapping[str, Stamp]
    others: Mapping[str, str]
    until: int

    def below(self, path: str) -> Contents:
        """The same as seen from a folder further up, `path` being the way down."""
        return Contents(
            digests={f"{path}/{name}": value for name, value in self.digests.items()},
            stamps={f"{path}/{name}": value for name, value in self.stamps.items()},
            others={f"{path}/{name}": value for name, value in self.others.items()},
            until=self.until,
        )


def contents(folder: Path, earlier: Contents | None = None) -> Contents:
    """What a folder holds. A file with the stamp that it had `earlier` is not hashed again.

    Raises:
        OSError: something in it cannot be read, or is no file, folder or link.
    """
    until = min(stamps.until(), earlier.until) if earlier else stamps.until()
    return _hashed(folder, _listed(folder), earlier, until)


def seal(folder: Path, made: Contents) -> None:
    """Write the manifest of a folder that holds what was `made`: it is complete.

    Raises:
        OSError: the disk does not take it.
    """
    _note_stamps(folder, made)
    content = {"schema": SCHEMA, "files": made.digests, "others": made.others}
    files.write_json(folder / MANIFEST, content)


def is_sealed(folder: Path) -> bool:
    """Whether the folder was made to its end. What it holds is not looked at."""
    return (folder / MANIFEST).exists()


def unseal(folder: Path) -> None:
    """Do this before a folder is removed, so that a part of it is never taken for the whole."""
    (folder / MANIFEST).unlink(missing_ok=True)


def change(folder: Path, *, thorough: bool = False) -> str | None:
    """What in a folder is not as it was made, None where everything is.

    `thorough` hashes every file, whatever its stamp.
    """
    until = stamps.until()
    try:
        listing = _listed(folder)
        if not thorough and _noted(folder, LISTING).get("sha256") == _digest(listing):
            return None
        manifest = _read(folder / MANIFEST)
        if manifest["schema"] != SCHEMA:
            return f"{folder}: its manifest is of another version of this program"
        made: dict[str, str] = {**manifest["files"], **manifest["others"]}
        stamped = {} if thorough else _noted(folder, STAMPS)
        now = _hashed(folder, listing, _as_noted(made, stamped, until), until)
    except OSError as error:
        return f"{error.filename or folder}: {error.strerror}"
    except (ValueError, KeyError, TypeError):
        return f"{folder / MANIFEST}: damaged"
    differing = _difference(made, {**now.digests, **now.others})
    if differing is not None:
        return f"{folder / differing[0]}: {differing[1]}"
    with suppress(OSError):
        # Where they cannot be noted, the next use hashes again.
        _note_stamps(folder, now)
    return None


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    digest = hashlib.sha256()
    with untrusted.open_regular(path, follow_links=True) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _listed(folder: Path) -> Listing:
    listing: Listing = {}
    _list(os.fspath(folder), "", listing)
    for name in (MANIFEST, STAMPS, LISTING):
        listing.pop(name, None)
    return listing


def _list(folder: str, prefix: str, listing: Listing) -> None:
    # Texts, not paths: there are tens of thousands.
    with os.scandir(folder) as found:
        entries = list(found)
    for entry in entries:
        path = prefix + entry.name
        if entry.is_symlink():
            listing[path] = f"-> {os.readlink(entry.path)}"  # noqa: PTH115
        elif entry.is_dir():
            listing[path] = ""
            _list(entry.path, f"{path}/", listing)
        else:
            status = entry.stat()
            listing[path] = status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _digest(listing: Listing) -> str:
    # Version 2 of the format writes equal values as equal bytes.
    return hashlib.sha256(marshal.dumps(sorted(listing.items(), key=itemgetter(0)), 2)).hexdigest()


def _hashed(folder: Path, listing: Listing, earlier: Contents | None, until: int) -> Contents:
    times = {path: stamp for path, stamp in listing.items() if not isinstance(stamp, str)}
    known = earlier.stamps if earlier else {}
    new = [path for path, stamp in times.items() if known.get(path) != stamp]
    pieces = [new[n : n + _FILES_AT_A_TIME] for n in range(0, len(new), _FILES_AT_A_TIME)]
    digests: dict[str, str] = {}
    with ThreadPoolExecutor(_THREADS) as pool:
        for done in pool.map(lambda paths: _digests(folder, paths), pieces):
            digests.update(done)
    for path in times.keys() - digests.keys():
        assert earlier is not None
        digests[path] = earlier.digests[path]
    others = {path: value for path, value in listing.items() if isinstance(value, str)}
    return Contents(digests=digests, stamps=times, others=others, until=until)


def _digests(folder: Path, paths: Sequence[str]) -> dict[str, str]:
    return {path: sha256_of(folder / path) for path in paths}


def _as_noted(made: Mapping[str, str], noted: Mapping[str, Any], until: int) -> Contents:
    times = {path: tuple(stamp) for path, stamp in noted.items() if path in made}
    return Contents(digests=made, stamps=times, others={}, until=until)


def _difference(made: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, str] | None:
    """The first path that is not as it was made, and what is the matter with it."""
    for path in sorted(made.keys() | now.keys()):
        if path not in now:
            return path, "is missing"
        if path not in made:
            return path, "was not there when the rest was made"
        if made[path] != now[path]:
            return path, "changed"
    return None


def _note_stamps(folder: Path, now: Contents) -> None:
    """Files that may have changed again since are left out: the next use hashes them."""
    lasting = {path: stamp for path, stamp in now.stamps.items() if max(stamp[1:]) <= now.until}
    files.write_json(folder / STAMPS, lasting)
    if len(lasting) == len(now.stamps):
        files.write_json(folder / LISTING, {"sha256": _digest({**now.others, **now.stamps})})


def _noted(folder: Path, name: str) -> dict[str, Any]:
    try:
        return dict(_read(folder / name))
    except (OSError, ValueError, TypeError):
        return {}


def _read(path: Path) -> Any:
    return json.loads(untrusted.read_regular(path, _LARGEST_BYTES))
