"""Where things lie: the cache, and the files shipped with the program."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from harness.errors import UsageError

CACHE_VARIABLE = "HARNESS_CACHE"


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
    package = Path(__file__).resolve().parent
    inside = package / "dockerfiles"
    return inside if inside.is_dir() else package.parent / "dockerfiles"


def locks() -> Path:
    """The folder of the locks that come with the program: `matrices/locks`, or inside the package.

    They are those of the matrices shipped.
    """
    package = Path(__file__).resolve().parent
    inside = package / "locks"
    return inside if inside.is_dir() else package.parent / "matrices" / "locks"
