"""Addresses that lead into the page: what a link shows stands behind its `#`.

The scripts of the page read and write the same form, see `page/address.js`.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from harness.analysis.axis_examples import CellName, Examples

_PLAIN = "/,=:"
"""Signs that may stand in a fragment as they are, so that ids stay readable in it."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """What is to be read, and the address that it leads to."""

    text: str
    address: str


def to_cells(workload: str, cells: Examples) -> str:
    """The address that opens a cell, or two side by side."""
    names = ("cell", "pair")
    parts = [f"workload={_quoted(workload)}"]
    parts += [f"{name}={_quoted(full(one))}" for name, one in zip(names, cells, strict=False)]
    return "#" + "&".join(parts)


def to_workload(workload: str) -> str:
    """The address that opens a workload."""
    return to_cells(workload, ())


def full(cell: CellName) -> str:
    """A cell's name among all results."""
    return f"{cell.matrix}/{cell.machine}/{cell.cell}"


def _quoted(text: str) -> str:
    return quote(text, safe=_PLAIN)
