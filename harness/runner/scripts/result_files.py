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

    A pattern that matches no file stands there itself, with "".
    """
    found: Dict[str, str] = {}
    for pattern in patterns:
        paths = glob.glob(os.path.join(glob.escape(work), pattern), recursive=True)
        files = [path for path in paths if _is_plain_file(path)]
        found.update({os.path.relpath(path, work): _digest(path) for path in files})
        if not files:
            found[pattern] = ""
    return {name: found[name] for name in sorted(found)}


def _is_plain_file(path: str) -> bool:
    return stat.S_ISREG(os.lstat(path).st_mode)


def _digest(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()
