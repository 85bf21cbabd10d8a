"""Finds out by experiment which settings make Keras/TensorFlow trainings reproducible."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness import plots
    from harness.notebook.arrays import weights
    from harness.notebook.class_grid import grid
    from harness.notebook.tables import (
        axes,
        cells,
        claims,
        classes,
        compare,
        history,
        load,
        prices,
    )

__all__ = [
    "__version__",
    "axes",
    "cells",
    "claims",
    "classes",
    "compare",
    "grid",
    "history",
    "load",
    "plots",
    "prices",
    "weights",
]

__version__ = "0.4.0"

_PLACES = {"grid": "class_grid", "weights": "arrays"}
"""The modules of `harness.notebook` with what is not in `tables`."""


def __getattr__(name: str) -> Any:
    """The Python interface, imported when it is asked for: pandas takes half a second."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "plots":
        return import_module("harness.plots")
    return getattr(import_module(f"harness.notebook.{_PLACES.get(name, 'tables')}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
