"""Where things lie: the cache, and the files shipped with the program."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from harness.errors import UsageError

CACHE_VARIABLE = "HARNESS_CACHE"

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
        raise UsageError(
            f"{folder}: the cache cannot be used: {error.strerror}; "
            f"let {CACHE_VARIABLE} name a folder that can be written"
        ) from error
    return folder


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
