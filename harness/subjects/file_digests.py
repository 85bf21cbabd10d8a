"""The digests of data files, each read once as long as it stays the same."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from harness import trees
from harness.errors import DataError
from harness.subjects.scripts import DataSource


def checked(path: Path, source: DataSource) -> str:
    """The digest of the file of a source as it is now.

    Raises:
        DataError: it cannot be read, or has another digest than the matrix says.
    """
    found = _digest(path)
    if source.sha256 not in (None, found):
        raise DataError(
            f"{path}: has SHA-256 {found}, and the matrix asks for {source.sha256}; bring "
            f"the file that is meant, or correct the digest under data: {source.target}"
        )
    return found


def _digest(path: Path) -> str:
    try:
        status = path.stat()
        return _noted(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error


@lru_cache(maxsize=256)
def _noted(path: Path, *stamp: int) -> str:
    """The digest of a file, read once as long as its stamp stays."""
    return trees.sha256_of(path)
