"""What `run` prints when the sweep is over."""

from __future__ import annotations

from pathlib import Path

from harness import console
from harness.analysis import (
    advice,
    axis_table,
    class_table,
    merging,
    seed_effect,
    unequal_results,
)
from harness.analysis.cell_table import by_cell
from harness.publish import tables


def show(folder: Path) -> None:
    """Which runs there are below `folder`, which gave the same weights, what changed bits, and what
    to do.
    """
    merged = merging.merge([folder])
    runs = merged.runs
    cells = by_cell(runs)
    console.note(tables.summary(runs))
    if not (runs["status"] == "completed").any():
        # There are no classes to show; the end of the command says why.
        return
    console.result(tables.render(class_table.of_cells(cells), "rich"))
    axes = axis_table.of_cells(cells)
    if len(axes):
        console.result("\n" + tables.render(axes, "rich"))
    console.result("\n" + advice.text(advice.findings(merged)))
    for sentence in (*unequal_results.sentences(cells), *seed_effect.sentences(cells)):
        console.note(sentence)
    console.note(f"more: harness table {folder} --by cell   (or run, class, axis, model)")
