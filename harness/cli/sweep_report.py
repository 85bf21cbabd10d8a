"""What `run` prints when the sweep is over."""

from __future__ import annotations

from pathlib import Path

import harness
from harness import console
from harness.analysis import classes, effects
from harness.publish import tables


def show(folder: Path) -> None:
    """Which runs there are below `folder`, which gave the same weights, and what changed bits."""
    frame = harness.load(folder)
    console.note(tables.summary(frame))
    console.result(tables.render(classes.by_class(frame), "rich"))
    console.result("\n" + tables.render(effects.by_axis(frame), "rich"))
    console.note(f"more: harness table {folder} --by cell   (or run, class, axis)")
