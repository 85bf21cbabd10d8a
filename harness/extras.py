"""Packages that only one thing needs and most people never call: what brings them, said once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harness.errors import UsageError

BY_PACKAGE = {
    "cryptography": "dask",
    "dask": "dask",
    "dask_jobqueue": "dask",
    "distributed": "dask",
    "jupytext": "notebook",
    "matplotlib": "plots",
    "rocrate": "bundle",
    "scipy": "spread",
}
"""The extra that brings a package."""


def missing(error: ModuleNotFoundError) -> UsageError | None:
    """How to install what could not be imported; None where no extra brings it."""
    package = (error.name or "").partition(".")[0]
    if package not in BY_PACKAGE:
        return None
    return UsageError(
        f"this needs the package {package}: "
        f"pip install 'reproducibility-harness[{BY_PACKAGE[package]}]'"
    )


@contextmanager
def needed() -> Iterator[None]:
    """A block that may need one of these packages.

    Raises:
        UsageError: it is not installed; the message names the extra.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        said = missing(error)
        if said is None:
            raise
        raise said from error
