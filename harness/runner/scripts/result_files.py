"""The files that a script left, by their digests: those that count as results, and all others."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import stat
from typing import Dict, Iterable, Iterator, Mapping, Tuple

_CHUNK = 1 << 20
_MOST_WRITTEN = 200
_WRITTEN_BYTES = 1 << 30
"""So many written files are named, and so many bytes of them digested, in the order of their names.
"""

State = Mapping[str, Tuple[int, int]]
"""Size and time of change of files, by their relative paths."""


def digests(work: str, patterns: Iterable[str]) -> Dict[str, str]:
    """The SHA-256 of every file below `work` that a pattern matches, by its relative path.

    A pattern that matches no file stands there itself, with "". Links are no files, and those
    that lead out of the folder lead nowhere.
    """
    found: Dict[str, str] = {}
    for pattern in patterns:
        paths = glob.glob(os.path.join(glob.escape(work), pattern), recursive=True)
        files = [path for path in paths if _is_plain_file(path) and _is_below(work, path)]
        found.update({os.path.relpath(path, work): _digest(path) for path in files})
        if not files:
            found[pattern] = ""
    return {name: found[name] for name in sorted(found)}


def state(work: str) -> State:
    """The files below `work` as they are now; links, and what Python compiled, are left out."""
    return {name: _stamp(os.path.join(work, name)) for name in _names(work)}


def written(work: str, before: State) -> Dict[str, str]:
    """The SHA-256 of files that are new or changed; "" where they are too large together."""
    now = state(work)
    names = sorted(name for name in now if before.get(name) != now[name])[:_MOST_WRITTEN]
    found: Dict[str, str] = {}
    size = 0
    for name in names:
        size += now[name][0]
        found[name] = ""
        if size <= _WRITTEN_BYTES:
            # A script may leave what cannot be read; that is no fault of its run.
            with contextlib.suppress(OSError):
                found[name] = _digest(os.path.join(work, name))
    return found


def _names(work: str) -> Iterator[str]:
    for folder, folders, files in os.walk(work):
        folders[:] = [name for name in folders if name != "__pycache__"]
        for path in (os.path.join(folder, name) for name in files):
            if _is_plain_file(path):
                yield os.path.relpath(path, work)


def _stamp(path: str) -> Tuple[int, int]:
    found = os.lstat(path)
    return found.st_size, found.st_mtime_ns


def _is_plain_file(path: str) -> bool:
    return stat.S_ISREG(os.lstat(path).st_mode)


def _is_below(work: str, path: str) -> bool:
    """Whether no link on the way leads out of the folder."""
    root = os.path.realpath(work)
    return os.path.realpath(path).startswith(root + os.sep)


def _digest(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()
