"""The cache of package files: `wheels/<sha256>/<file>`.

A file is trusted because its bytes have the hash that the lock asks for, checked each time it is
used, never because it lies there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock

from harness import console, places
from harness.environments.lock import Package

_CHUNK = 1 << 20


def root() -> Path:
    """The folder of the cache."""
    return places.cache("wheels")


def place(package: Package) -> Path:
    """Where the file of a package lies, or would lie."""
    return root() / package.sha256 / package.file


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def holds(package: Package) -> bool:
    """Whether the file is in the cache with the right bytes; wrong bytes are thrown away."""
    path = place(package)
    try:
        found = sha256_of(path)
    except FileNotFoundError:
        return False
    if found == package.sha256:
        return True
    console.note(f"{path}: not the bytes the lock asks for; thrown away, fetched again")
    path.unlink(missing_ok=True)
    return False


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
