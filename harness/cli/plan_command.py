"""`plan`: what would happen, what of it is done, what is reused, and why."""

from __future__ import annotations

import importlib
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, fields
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from harness import console, selection
from harness.cli import options, wiring
from harness.cli.wiring import LocalMachine
from harness.engines import choice
from harness.engines.protocol import Engine
from harness.errors import UsageError
from harness.executors.run_processes import Limits
from harness.matrix import cells, reading, shards
from harness.matrix.cells import AXIS_INDEX, Cell
from harness.matrix.environment import Environment
from harness.matrix.matrix import Matrix
from harness.matrix.shards import MAX_SHARDS, Shard
from harness.publish import tables
from harness.results.store import Store
from harness.subjects import snapshots
from harness.sweep import planning, submission
from harness.sweep.planning import Step
from harness.sweep.submission import Submission
from harness.upkeep import reuse
from harness.upkeep.reuse import Lookup, Reuse
from harness.wording import counted

SHARDS = 16
"""As many shards, at most, as --submit makes if it is not told."""

SHOWN = 60
"""How many cells a terminal is shown; the other formats have all."""


class Grouping(str, Enum):
    """What one row of a plan is."""

    cell = "cell"
    environment = "environment"


class Scheduler(str, Enum):
    """Who starts the shards of a sweep."""

    slurm = "slurm"
    ssh = "ssh"
    github = "github"


class UsedEnvironments:
    """Notes the environments of the steps that pass, with the workloads that run in them."""

    def __init__(self) -> None:
        self._workloads: dict[Environment, set[str]] = {}

    def passing(self, steps: Iterable[Step]) -> Iterator[Step]:
        """The same steps, noted on the way."""
        last: Cell | None = None
        for step in steps:
            if step.cell is not last and step.action in ("done", "run", "waits"):
                last = step.cell
                workloads = self._workloads.setdefault(last.environment, set())
                workloads.add(str(last.values[AXIS_INDEX["workload"]]))
            yield step

    def parts(self, lookup: Lookup) -> list[Reuse]:
        """What is reused of each environment, and why the rest is not."""
        return [
            part
            for environment, workloads in self._workloads.items()
            for part in reuse.of_environment(environment, workloads, lookup)
        ]


def plan(
    file: options.MatrixFile,
    only: options.Only = None,
    shard: options.Shard = None,
    results: options.Results = options.RESULTS,
    engine: options.Engine = options.ENGINE,
    timeout: options.Timeout = options.TIMEOUT,
    memory: options.Memory = options.MEMORY,
    by: Annotated[Grouping | None, typer.Option("--by", help="What one row is.")] = None,
    format: options.Format = "rich",
    as_json: Annotated[
        bool, typer.Option("--json", help="Environments and cells in one JSON document.")
    ] = False,
    again: options.Again = None,
    on: Annotated[
        str | None,
        typer.Option(
            "--on", metavar="ADDRESS", help="What the workers of the scheduler there would do."
        ),
    ] = None,
    tls: options.Tls = None,
    submit: Annotated[
        Scheduler | None,
        typer.Option("--submit", help="Print a script that runs every shard, ready to send."),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option("--shards", help="How many shards --submit makes.", min=1, max=MAX_SHARDS),
    ] = None,
) -> None:
    """Say what would run and why, cell by cell, and what each environment reuses."""
    options.check_format(format)
    part = options.shard(shard)
    matrix = reading.read(file)
    limits = Limits(timeout=timeout, memory=options.bytes_of(memory))
    if submit is not None:
        given = {"--engine": engine, "--timeout": f"{timeout:g}", "--memory": memory}
        _print_script(submit, file, matrix, only or [], count, given)
        return
    if on is not None:
        if as_json or by is not None:
            raise UsageError("--json and --by are about this machine: leave them out, or --on")
        asked = _asked(file, only, again, part, engine, results, limits)
        # Dask takes a second to import.
        importlib.import_module("harness.cli.cluster_plan").plan(asked, on, tls, format)
        return
    if count is not None:
        raise UsageError("--shards says how many shards --submit makes; --shard 3/16 plans one")
    machine = wiring.this_machine()
    chosen, why = choice.choose(engine, tidy=False)
    named = options.named(engine)
    store = Store(results, matrix.name, machine.id)
    wanted = wiring.wanted(
        wiring.lock_reader(file),
        machine,
        engine=named,
        running=chosen,
        audited=True,
        limits=limits,
        store=store,
        scripts={name: snapshots.describe(entry) for name, entry in matrix.scripts.items()},
    )
    asked = selection.with_again(only, again)
    selected = shards.within(_selected(matrix, machine, chosen, asked), part)
    noted, lookup = UsedEnvironments(), wiring.lookup(chosen, machine, wanted)
    steps = planning.steps(selected, matrix.repeats, wanted, store.reader())
    steps = noted.passing(planning.done_again(steps, again or ()))
    if as_json:
        _print_all(matrix.name, chosen.name, steps, noted, lookup)
    elif format == "rich":
        _show(steps, noted, lookup, by, f"engine: {why}")
    else:
        _print_table(steps, noted, lookup, by, format)


def _asked(
    file: Path,
    only: list[str] | None,
    again: list[str] | None,
    part: Shard | None,
    engine: str,
    results: Path,
    limits: Limits,
) -> Any:
    return importlib.import_module("harness.cli.cluster_run").Asked(
        file=file,
        only=tuple(only or ()),
        again=tuple(again or ()),
        shard=part,
        engine=options.named(engine),
        results=results,
        isolation="auto",
        limits=limits,
        only_plan=True,
    )


def _print_script(
    submit: Scheduler,
    file: Path,
    matrix: Matrix,
    only: list[str],
    count: int | None,
    given: Mapping[str, str],
) -> None:
    """The script, with the options of this command that are not at their defaults."""
    selected = cells.select(cells.cells(matrix), tuple(only))
    groups = {shards.group_digest(cell) for cell in selected if cell.status is None}
    parts = count or min(SHARDS, max(1, len(groups)))
    if parts > len(groups):
        console.note(
            f"{parts} shards for {len(groups)} groups of cells that stay together: some stay empty"
        )
    defaults = {
        "--engine": options.ENGINE,
        "--timeout": f"{options.TIMEOUT:g}",
        "--memory": options.MEMORY,
    }
    more = [(name, value) for name, value in given.items() if value != defaults[name]]
    words = [word for pair in (*(("--only", glob) for glob in only), *more) for word in pair]
    sent = Submission(matrix=str(file), name=matrix.name, count=parts, options=tuple(words))
    console.result(submission.script(submit.value, sent))


def _selected(
    matrix: Matrix, machine: LocalMachine, engine: Engine, only: tuple[str, ...]
) -> Iterator[Cell]:
    def unavailable(device: str) -> str | None:
        return engine.unavailable(device=device)

    settled = wiring.settled_cells(matrix, machine.limits, unavailable)
    return cells.select(settled, only)


def _print_all(
    matrix: str, engine: str, steps: Iterator[Step], noted: UsedEnvironments, lookup: Lookup
) -> None:
    rows = [{**_row(step), "environment": step.cell.environment.id} for step in steps]
    parts = [asdict(part) for part in noted.parts(lookup)]
    document = {"matrix": matrix, "engine": engine, "environments": parts, "cells": rows}
    console.result(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def _print_table(
    steps: Iterator[Step], noted: UsedEnvironments, lookup: Lookup, by: Grouping | None, format: str
) -> None:
    if by is not Grouping.environment:
        rows = [_row(step) for step in steps]
        frame = pd.DataFrame(rows, columns=["cell", "repeat", "action", "why"])
    else:
        for _ in steps:
            pass
        frame = _environments(noted.parts(lookup))
    console.result(tables.render(frame, format))


def _row(step: Step) -> dict[str, Any]:
    return {
        "cell": step.cell.id,
        "repeat": step.repeat,
        "action": step.action,
        "why": step.why,
    }


def _environments(parts: list[Reuse]) -> pd.DataFrame:
    rows = [asdict(part) for part in parts]
    names = [field.name for field in fields(Reuse)]
    frame: pd.DataFrame = pd.DataFrame(rows, columns=names)
    return frame


def _show(
    steps: Iterator[Step], noted: UsedEnvironments, lookup: Lookup, by: Grouping | None, engine: str
) -> None:
    """What is asked for as tables, and what all cells come to."""
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
    console.detail(engine)
    if by is not Grouping.environment:
        frame = pd.DataFrame(shown, columns=["cell", "runs", "action", "why"])
        console.result(tables.render(frame, "rich"))
        if cell_count > SHOWN:
            console.note(f"… and {cell_count - SHOWN:,} more; --only narrows, --format csv has all")
    if by is not Grouping.cell:
        _show_environments(noted.parts(lookup))
    parts = ", ".join(f"{number:,} {action}" for action, number in sorted(counts.items()))
    console.note(f"{counted(counts.total(), 'run')}: {parts}")


def _alike(step: Step) -> tuple[int, str, str]:
    # The steps of one cell share one value, and comparing a million cells would take seconds.
    return id(step.cell), step.action, step.why


def _show_environments(parts: list[Reuse]) -> None:
    """A row per environment for what is reused, and one for each part that is not."""
    rows: list[tuple[str, str, str, str]] = []
    for environment, group in itertools.groupby(parts, lambda part: part.environment):
        lines = list(_lines(list(group)))
        rows += [(environment if n == 0 else "", *row) for n, row in enumerate(lines)]
    if rows:
        frame = pd.DataFrame(rows, columns=["environment", "reused", "what", "why"])
        console.result("\n" + tables.render(frame, "rich"))


def _lines(parts: list[Reuse]) -> Iterator[tuple[str, str, str]]:
    reused = [part for part in parts if part.reused]
    if reused:
        what = ", ".join(dict.fromkeys(part.part for part in reused))
        digests = (part for part in reused if part.part in ("lock", "image"))
        yield "yes", what, ", ".join(f"{part.part} {part.why}" for part in digests)
    missing: dict[tuple[str, str], list[str]] = {}
    for part in parts:
        if not part.reused:
            missing.setdefault((part.part, part.why), []).append(part.workload)
    for (what, why), workloads in missing.items():
        names = ", ".join(filter(None, workloads))
        yield "no", what, f"{names}: {why}" if names else why
