"""What `run` prints when the sweep is over."""

from __future__ import annotations

from pathlib import Path

from harness import console
from harness.analysis import frames
from harness.publish import tables


def show(folder: Path) -> None:
    """Which runs there are below `folder`, which gave the same weights, and what changed bits."""
    results = frames.Results(folder)
    console.note(tables.of_tally(results.tally))
    console.result(tables.render(results.classes, "rich"))
    console.result("\n" + tables.render(results.axes, "rich"))
    console.note(f"more: harness table {folder} --by cell   (or run, class, axis)")
