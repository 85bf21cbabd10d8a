"""`check`, `schema` and `reference`: what a matrix file says, and what it may say."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import typer

from harness import console
from harness.matrix import cells, json_schema, reading
from harness.matrix.text import Problem
from harness.matrix.yaml_file import FileProblemsError
from harness.sweep import machine_limits
from harness.wording import counted

COUNTED = 100_000
"""Up to so many cells are counted one by one, so that repeated ones count once."""


def check_matrix(file: Path) -> None:
    """Check a matrix file: what is wrong and where, or how many cells it has."""
    matrix = reading.read(file)
    impossible = [
        Problem(line=entry.line, column=entry.column, message=what)
        for entry, what in cells.impossible_environments(matrix)
    ]
    if impossible:
        raise FileProblemsError(file, impossible)
    most = cells.count(matrix)
    listed = map(machine_limits.with_data, cells.cells(matrix) if most <= COUNTED else ())
    settled = Counter(cell.reason if cell.status == "unavailable" else "" for cell in listed)
    count = settled.total() or most
    console.note(
        f"{file}: {counted(count, 'cell')} × {counted(matrix.repeats, 'repeat')}, nothing wrong"
    )
    for reason, number in settled.items():
        if reason:
            console.note(f"{number:,} of them are unavailable: {reason}")


def schema() -> None:
    """Print the JSON Schema of matrix files, for editors."""
    typer.echo(json_schema.text(), nl=False)


def reference() -> None:
    """Print the reference tables of the documents: the axes, and the columns of the run table."""
    # Its columns need pandas, which takes half a second to import.
    from harness.publish import reference_tables

    console.result(f"{reference_tables.axes()}\n{reference_tables.columns()}")
