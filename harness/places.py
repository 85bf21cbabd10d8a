"""Where things lie: the cache, and the files shipped with the program."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from harness.errors import BuildError, UsageError

CACHE_VARIABLE = "HARNESS_CACHE"

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_WRITABLE = f"the cache cannot be used: let {CACHE_VARIABLE} name a folder that can be written"

_PACKAGE = Path(__file__).resolve().parent


def cache(*parts: str) -> Path:
    """A folder in the cache, made if missing; `HARNESS_CACHE` overrides where the cache is.

    Everything in it can be deleted at any time: it only costs fetching or building again.
    """
    root = os.environ.get(CACHE_VARIABLE)
    base = Path(root) if root else platformdirs.user_cache_path("reproducibility-harness")
    folder = base.joinpath(*parts).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}; {_WRITABLE}") from error
    return folder


@contextmanager
def written(folder: Path) -> Iterator[None]:
    """Say what to do where something inside the block cannot be written into the cache.

    Raises:
        UsageError: it may not be written.
        BuildError: the disk is full; `folder` is where the space was wanted.
    """
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        if error.errno in _FULL:
            raise full(Path(where)) from error
        if error.errno in _FORBIDDEN:
            raise UsageError(f"{where}: {error.strerror}", remedy=_WRITABLE) from error
        raise


def full(folder: Path) -> BuildError:
    """The error where the disk with this folder is full."""
    return BuildError(
        f"{folder}: no space left on the disk",
        remedy=f"free some, or let {CACHE_VARIABLE} name a folder on another disk",
    )


def dockerfiles() -> Path:
    """The folder `dockerfiles/`: beside the package in a checkout, inside it when installed."""
    return _shipped("dockerfiles")


def matrices() -> Path:
    """The folder of the matrices that come with the program."""
    return _shipped("matrices")


def locks() -> Path:
    """The folder with the locks of the matrices that come with the program."""
    return matrices() / "locks"


def is_installed() -> bool:
    """Whether the program runs from an installation, in which nothing is ever written."""
    return (_PACKAGE / "matrices").is_dir()


def _shipped(name: str) -> Path:
    return (_PACKAGE if is_installed() else _PACKAGE.parent) / name
