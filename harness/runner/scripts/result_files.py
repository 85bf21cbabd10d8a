"""The files of a script that count as results, by their digests."""

from __future__ import annotations

import glob
import hashlib
import os
import stat
from typing import Dict, Iterable

_CHUNK = 1 << 20


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
