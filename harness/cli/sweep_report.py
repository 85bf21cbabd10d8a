"""What `run` prints when the sweep is over."""

from __future__ import annotations

from pathlib import Path

from harness import console
from harness.analysis import classes, effects, frames
from harness.publish import tables


def show(folder: Path) -> None:
    """Which runs there are below `folder`, which gave the same weights, and what changed bits."""
    cells, tally = frames.cells(folder)
    console.note(tables.summary_of(cells, tally))
    console.result(tables.render(classes.of_cells(cells), "rich"))
    console.result("\n" + tables.render(effects.of_cells(cells), "rich"))
    console.note(f"more: harness table {folder} --by cell   (or run, class, axis)")
