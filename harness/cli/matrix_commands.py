"""`check`, `plan` and `schema`: what a matrix file says and what would happen."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator

import pandas as pd
import typer

from harness import console
from harness.cli import options, wiring
from harness.cli.options import EngineChoice
from harness.engines import gpus
from harness.matrix import cells, json_schema, reading
from harness.matrix.reading import MatrixError
from harness.matrix.text import Problem
from harness.publish import reference as tables_of
from harness.publish import tables
from harness.results.store import Store
from harness.sweep import planning
from harness.sweep.planning import Step
from harness.sweep.processes import Limits

COUNTED = 100_000
"""Up to so many cells are counted one by one, so that repeated ones count once."""

SHOWN = 60
"""How many cells a terminal is shown; the other formats have all."""


def check(matrix: options.MatrixFile) -> None:
    """Check a matrix file: what is wrong and where, or how many cells it has."""
    found = reading.read(matrix)
    impossible = [
        Problem(line=entry.line, column=entry.column, message=what)
        for entry, what in cells.impossible_environments(found)
    ]
    if impossible:
        raise MatrixError(matrix, impossible)
    most = cells.count(found)
    count = sum(1 for _ in cells.cells(found)) if most <= COUNTED else most
    console.note(f"{matrix}: {count:,} cells × {found.repeats} repeats, nothing wrong")


def plan(
    matrix: options.MatrixFile,
    only: options.Only = None,
    results: options.Results = options.RESULTS,
    engine: options.Engine = EngineChoice.auto,
    timeout: options.Timeout = options.TIMEOUT,
    memory: options.Memory = options.MEMORY,
    format: options.Format = "rich",
) -> None:
    """Say per cell what would happen: done, run and why, unavailable or excluded and why."""
    options.check_format(format)
    found = reading.read(matrix)
    machine = wiring.this_machine()
    named = None if engine is EngineChoice.auto else engine.value
    limits = Limits(timeout=timeout, memory=options.bytes_of(memory))
    wanted = wiring.wanted(matrix, machine, engine=named, audited=True, limits=limits)
    selected = cells.select(wiring.settled_cells(found, machine.limits, _absent), tuple(only or ()))
    store = Store(results, found.name, machine.id)
    steps = planning.steps(selected, found.repeats, wanted, store.reader())
    if format == "rich":
        _show(steps)
    else:
        console.result(tables.render(_frame(steps), format))


def _absent(device: str) -> str | None:
    """Why a device is not here, whatever the engine."""
    return gpus.absent() if device == "gpu" else None


def _show(steps: Iterator[Step]) -> None:
    """The first cells as a table, then what all of them come to."""
    counts: Counter[str] = Counter()
    cell_count = 0
    shown: list[tuple[str, int, str, str]] = []
    for _, group in itertools.groupby(steps, _alike):
        alike = list(group)
        first, runs = alike[0], len(alike)
        counts[first.action] += runs
        cell_count += 1
        if len(shown) < SHOWN:
            shown.append((first.cell.id, runs, first.action, first.why))
    frame = pd.DataFrame(shown, columns=["cell", "runs", "action", "why"])
    console.result(tables.render(frame, "rich"))
    if cell_count > SHOWN:
        console.note(f"… and {cell_count - SHOWN:,} more; --only narrows, --format csv shows all")
    parts = ", ".join(f"{number:,} {action}" for action, number in sorted(counts.items()))
    console.note(f"{counts.total():,} runs: {parts}")


def _alike(step: Step) -> tuple[int, str, str]:
    # The steps of one cell share one value, and comparing a million cells would take seconds.
    return id(step.cell), step.action, step.why


def _frame(steps: Iterator[Step]) -> pd.DataFrame:
    rows = [(step.cell.id, step.repeat, step.action, step.why) for step in steps]
    frame: pd.DataFrame = pd.DataFrame(rows, columns=["cell", "repeat", "action", "why"])
    return frame


def schema() -> None:
    """Print the JSON Schema of matrix files, for editors."""
    typer.echo(json_schema.text(), nl=False)


def reference() -> None:
    """Print the reference tables of the README: the axes, and the columns of the run table."""
    console.result(f"{tables_of.axes()}\n{tables_of.columns()}")
