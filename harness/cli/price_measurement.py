"""What settings cost, measured on this machine: pairs of cells run alone, one after the other."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from harness import console
from harness.analysis import price_table
from harness.analysis.merging import MergedResults
from harness.cli import cell_scripts
from harness.cli.cell_experiment import CellExperiment, recorded_locks
from harness.cli.cell_scripts import Allowed
from harness.cli.sweeps import Setting
from harness.errors import SelectionError
from harness.matrix.cells import Cell
from harness.results.record import Record
from harness.studies import named_cells
from harness.studies.named_cells import Side
from harness.studies.record_cells import UnknownCellError, cell_of
from harness.wording import counted


@dataclass(frozen=True, kw_only=True)
class Request:
    """How to measure: so many pairs per setting, as records below `results`."""

    setting: Setting
    repeats: int
    results: Path
    locks: Sequence[Path]
    allowed: Allowed


def sentences(
    merged: MergedResults, folders: Sequence[Path], request: Request
) -> dict[str, list[str]]:
    """For each workload and setting that has a price in these results, what it costs here.

    Of the pairs of cells behind a setting the one with the median ratio is run.

    Raises:
        UsageError: a lock or script came with the results, and the engine does not contain it, or
            files of a script are missing.
    """
    prices = price_table.by_price(merged.runs)
    if prices.empty:
        console.note(
            "nothing to measure: no two cells differ in one setting and its default only; give an"
            " axis of the matrix both, such as determinism: [off, on], and run it"
        )
        return {}
    console.note(
        f"measuring {counted(len(prices), 'setting')}: {2 * request.repeats * len(prices)} runs at"
        " most, one at a time"
    )
    said: dict[str, list[str]] = {}
    for row in prices.to_dict("records"):
        pair = row["examples"][len(row["examples"]) // 2]
        text = _measured(row["setting"], row["against"], pair, folders, request)
        said.setdefault(row["workload"], []).append(text)
    return said


def _measured(
    setting: str, against: str, pair: tuple[str, str], folders: Sequence[Path], request: Request
) -> str:
    try:
        sides = _sides(pair, folders, request.setting.machine.id)
        cells = [cell_of(side.records[0]) for side in sides]
        experiment = _experiment(sides, cells, request)
    except (SelectionError, UnknownCellError) as error:
        return f"{setting} was not measured: {error}."
    records = _alternately(experiment, cells, request.repeats)
    failed = next((one for side in records for one in side if one.status != "completed"), None)
    if failed is not None:
        return f"{setting} was not measured: {failed.cell} ended as {failed.status} here."
    if not all(len(side) == request.repeats for side in records):
        return f"{setting} was not measured: one of {' and '.join(pair)} cannot run here."
    # Of a script it is not known how long CPUs worked, nor, in a loop of its own, how long it fit.
    wall = _ratios(records, "fit") or _ratios(records, "total")
    cpu = _ratios(records, "fit_cpu")
    and_cpus = f", and CPUs worked {_times(cpu)} as long" if cpu else ""
    return (
        f"{setting} took {_times(wall)} as long as {against}{and_cpus}"
        f" ({counted(request.repeats, 'pair')}, alone and alternately, of {pair[0]})."
    )


def _sides(pair: tuple[str, str], folders: Sequence[Path], machine: str) -> tuple[Side, ...]:
    """Where the two cells lie; both in one folder."""
    for folder in folders[:-1]:
        try:
            return named_cells.resolve([str(folder), *pair], prefer=machine)
        except SelectionError:
            continue
    return named_cells.resolve([str(folders[-1]), *pair], prefer=machine)


def _experiment(sides: Sequence[Side], cells: Sequence[Cell], request: Request) -> CellExperiment:
    ids = "\n".join(cell.id for cell in cells)
    engine, allowed = request.setting.engine, request.allowed
    environments = [cell.environment for cell in cells]
    recorded = recorded_locks(
        sides, environments, own=request.locks, engine=engine, trusted=allowed.trusted
    )
    return CellExperiment(
        request.setting,
        results=request.results,
        name=f"price-{cells[0].workload}-{hashlib.sha256(ids.encode()).hexdigest()[:8]}",
        repeats=request.repeats,
        command="harness advise --measure",
        locks=recorded,
        scripts=cell_scripts.ready(sides, cells, allowed, engine),
        sources=[],
    )


def _alternately(
    experiment: CellExperiment, cells: Sequence[Cell], repeats: int
) -> list[list[Record]]:
    """The records of the cells, their first runs before their second ones, and so on."""
    records: list[list[Record]] = [[] for _ in cells]
    for number in range(1, repeats + 1):
        records = [experiment.records(cell, number) for cell in cells]
    return records


def _ratios(records: Sequence[Sequence[Record]], name: str) -> list[float]:
    """The ratios of the pairs, sorted; none where a record does not say it."""
    pairs = list(zip(*records, strict=True))
    if not all(one.seconds.get(name) and other.seconds.get(name) for one, other in pairs):
        return []
    return sorted(one.seconds[name] / other.seconds[name] for one, other in pairs)


def _times(ratios: Sequence[float]) -> str:
    return f"{median(ratios):.2f} times ({ratios[0]:.2f} to {ratios[-1]:.2f})"
