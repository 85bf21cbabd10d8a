"""The cache of package files: `wheels/<sha256>/<file>`.

A file is trusted because its bytes have the hash that the lock asks for, never because it lies
there. They are hashed again whenever the file is not as it was when they were hashed last.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

from harness import console, places, stamps, trees
from harness.environments.lock import Package
from harness.protocol import files, untrusted

_LARGEST_NOTE = 1000


def root() -> Path:
    """The folder of the cache."""
    return places.cache("wheels")


def place(package: Package) -> Path:
    """Where the file of a package lies, or would lie."""
    return root() / package.sha256 / package.file


def holds(package: Package) -> bool:
    """Whether the file is in the cache with the right bytes; wrong bytes are thrown away."""
    path = place(package)
    try:
        if matches(path, package.sha256):
            return True
    except FileNotFoundError:
        return False
    except untrusted.NotRegularError:
        # A pipe, a folder or the like: thrown away as well.
        pass
    console.note(f"{path}: not the bytes the lock asks for; thrown away, fetched again")
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return False


def matches(path: Path, sha256: str) -> bool:
    """Whether a file in the cache has these bytes; its stamp is noted beside it if so."""
    stamp = stamps.of(path)
    note = path.with_name(f".{path.name}.hashed")
    noted = [sha256, list(stamp or ())]
    if stamp is not None and _noted(note) == noted:
        return True
    found = trees.sha256_of(path) == sha256
    # The stamp is from before: what changed since is hashed again.
    if found and stamp is not None:
        # Where it cannot be noted, the next use hashes again.
        with suppress(OSError):
            files.write_text(note, json.dumps(noted))
    return found


def _noted(note: Path) -> Any:
    try:
        return untrusted.read_json(note, _LARGEST_NOTE)
    except (OSError, ValueError):
        return None


def keep(package: Package, file: Path) -> None:
    """Move a file whose hash was checked, and which lies on the same disk, into the cache."""
    path = place(package)
    path.parent.mkdir(parents=True, exist_ok=True)
    # No fsync: a file that a power cut spoiled is noticed by its hash at the next use.
    file.replace(path)


@contextmanager
def reserved(names: Iterable[str]) -> Iterator[None]:
    """Keep other processes and threads from fetching or building the same files meanwhile.

    Always in one order, so that two that want several cannot wait for each other.
    """
    folder = places.cache("wheels", "locks")
    with ExitStack() as stack:
        for name in sorted(set(names)):
            stack.enter_context(FileLock(folder / f"{name}.lock"))
        yield
