"""What results claim: per cell and machine one trained model to be had again, or why there is none.

Read by the readers that read everybody's results; nothing of it runs here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import selection
from harness.analysis.metric_units import recorded, scale_of
from harness.analysis.model_differences import Model
from harness.errors import RecordError
from harness.matrix.cells import Cell
from harness.protocol.script import Script
from harness.publish.escaping import visible
from harness.results import blobs
from harness.results.plan_file import PlannedCell
from harness.results.record import Measured, Record
from harness.results.scan import SweepFolder, sweeps
from harness.studies.record_cells import (
    UnknownCellError,
    UnknownScriptError,
    cell_of,
    script_of,
)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """One cell of one machine's results.

    `model` and `measured` are those of its first completed run, of repeat 1 alone where repeats
    follow one another in one folder. `obstacle` says why it cannot be
    verified whatever machine tries, and is empty where it can; `cell`, `model` and `measured` are
    then there, and `script` where it is of one. `seconds` is what the run took there.
    """

    matrix: str
    machine: str
    id: str
    obstacle: str = ""
    cell: Cell | None = None
    script: Script | None = None
    model: Model | None = None
    measured: Measured | None = None
    lock_sha256: str = ""
    code_sha256: str = ""
    seconds: float = 0.0


def read(folder: Path) -> list[Reference]:
    """Every cell of the results in a folder, planned or recorded, by matrix, machine and id.

    Raises:
        UsageError: there are no results.
        RecordError: a record or plan is unreadable or of another schema.
    """
    references = [reference for sweep in sweeps(folder) for reference in _of_sweep(sweep)]
    return sorted(references, key=lambda one: (one.matrix, one.machine, one.id))


def select(references: Sequence[Reference], only: Sequence[str]) -> list[Reference]:
    """Those whose id matches one of the globs, all where there is none.

    Raises:
        SelectionError: none matches; the message shows the first ids there are.
    """
    return list(selection.select(references, only, name=lambda one: visible(one.id)))


def _of_sweep(sweep: SweepFolder) -> Iterator[Reference]:
    plan = sweep.plan()
    planned = {} if plan is None else {cell.id: cell for cell in plan[1]}
    for cell, records in itertools.groupby(sweep.records(), key=lambda record: record.cell):
        yield _of_cell(sweep, cell, planned.pop(cell, None), list(records))
    for cell, asked in planned.items():
        yield _of_cell(sweep, cell, asked, [])


def _of_cell(
    sweep: SweepFolder, cell: str, planned: PlannedCell | None, records: list[Record]
) -> Reference:
    completed = [r for r in records if r.status == "completed" and r.measured is not None]
    if any(record.script and record.script.keeps_folder for record in records):
        # The later repeats go on in the folder that the first one left.
        completed = [record for record in completed if record.repeat == 1]
    obstacle = _obstacle(planned, records, completed)
    if not obstacle:
        try:
            return _of_record(sweep, completed[0])
        except UnknownScriptError as error:
            obstacle = str(error)
        except UnknownCellError as error:
            obstacle = f"unknown to this harness: {error}"
    return Reference(matrix=sweep.matrix, machine=sweep.machine, id=cell, obstacle=obstacle)


def _obstacle(
    planned: PlannedCell | None, records: Sequence[Record], completed: Sequence[Record]
) -> str:
    if planned is not None and planned.status is not None:
        return f"{planned.status} there: {planned.reason}"
    if not records:
        return "never run there"
    if not completed:
        return f"{records[0].status} there: {records[0].reason.partition(chr(10))[0]}"
    if any(record.measured and not record.measured.weights_sha256 for record in completed):
        return "its weights there are not known: it was not observed"
    weights = {record.measured.weights_sha256 for record in completed if record.measured}
    if len(weights) > 1:
        return f"unstable there: {len(weights)} different weights in {len(completed)} runs"
    return "" if completed[0].environment.lock_sha256 else "its record names no lock"


def _of_record(sweep: SweepFolder, record: Record) -> Reference:
    assert record.measured is not None
    return Reference(
        matrix=sweep.matrix,
        machine=sweep.machine,
        id=record.cell,
        cell=cell_of(record),
        script=script_of(record),
        model=model_of(record.measured, sweep.folder),
        measured=record.measured,
        lock_sha256=record.environment.lock_sha256,
        code_sha256=record.code_sha256,
        seconds=max(0.0, record.seconds.get("process", record.seconds.get("total", 0.0))),
    )


def model_of(measured: Measured, sweep: Path) -> Model:
    """The model that a run left; `sweep` is the folder of its sweep.

    Raises:
        RecordError: its metric is no number.
    """
    try:
        value = float.fromhex(measured.value or "nan")
    except (ValueError, OverflowError) as error:
        raise RecordError(f"{sweep}: a metric is no number in hexadecimal: {error}") from error
    return Model(
        blobs=blobs.folder_of(sweep),
        data_sha256=measured.data_sha256,
        init_sha256=_init_sha256(measured),
        weights_sha256=measured.weights_sha256,
        predictions_sha256=measured.predictions_sha256,
        metric=measured.metric or "",
        value=value,
        scale=scale_of(*recorded(measured)),
    )


def _init_sha256(measured: Measured) -> str:
    """The digest of the weights before the training, "" where none of them is known."""
    return measured.init_sha256 if any(each.init_sha256 for each in measured.tensors) else ""
