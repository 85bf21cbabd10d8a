"""Which views of results there are: the one list for `table`, `compare` and the page."""

from __future__ import annotations

from enum import Enum


class View(str, Enum):
    """What one row of a table is."""

    class_ = "class"
    cell = "cell"
    run = "run"
    axis = "axis"
    setting = "setting"
    model = "model"
    claim = "claim"
    price = "price"
    machine = "machine"
    tensor = "tensor"
    spread = "spread"


COMPARING = frozenset({View.machine, View.tensor, View.spread})
"""Views that put something side by side: machines, or cells with one of them."""

LISTING = frozenset({View.run, View.setting, View.model, View.claim, View.price})
"""Views of runs one by one: there is nothing to compare in a row."""

PAGE_TABLES = {
    View.claim: "claims",
    View.class_: "classes",
    View.axis: "axes",
    View.cell: "cells",
    View.run: "runs",
}
"""The views that a publication has files of, and how these are named."""
