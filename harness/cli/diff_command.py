"""`diff`: at which step two cells, or two runs, parted, and what of that step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from harness import console
from harness.cli import (
    bundle_commands,
    cell_experiment,
    cell_scripts,
    options,
    step_experiment,
    step_levels,
    study_report,
    wiring,
)
from harness.cli.cell_scripts import Allowed
from harness.cli.step_experiment import End
from harness.cli.study_report import Found, Saved
from harness.cli.sweeps import Setting
from harness.cli.wiring import LocalMachine
from harness.engines import choice
from harness.errors import HarnessError, UsageError
from harness.executors.run_processes import Limits
from harness.matrix.cells import Cell
from harness.publish import study_files
from harness.studies import named_cells, run_origins, step_difference
from harness.studies.named_cells import Side
from harness.studies.pair_answer import Answer
from harness.studies.record_cells import UnknownCellError, cell_of
from harness.studies.run_origins import Pair, Run
from harness.studies.step_study import StepStudy

TRACES, STEPS, TRANSPLANT = 1, 2, 3


def diff(
    cells: Annotated[
        list[str],
        typer.Argument(
            metavar="DIR A B",
            help="A results folder or bundle and two cells of it, runs (A#2), or fits of a script "
            "(A@2.1: the first of its second model); or DIR1:A DIR2:B.",
        ),
    ],
    level: Annotated[
        int,
        typer.Option(
            help="1: read the traces. 2: make the first step that differs again, and record it "
            "whole. 3: also make it in B's environment from A's state.",
            min=TRACES,
            max=TRANSPLANT,
        ),
    ] = TRANSPLANT,
    engine: options.Engine = options.ENGINE,
    locks: bundle_commands.Locks = None,
    data: options.Data = None,
    trust_bundle: options.TrustBundle = False,
    timeout: options.Timeout = options.TIMEOUT,
    memory: options.Memory = options.MEMORY,
    save: options.Save = None,
    format: options.Format = "rich",
) -> None:
    """Say at which step two cells part, and what of that step differs first."""
    options.check_format(format)
    if save is not None:
        study_files.check_target(save)
    limits = Limits(timeout=timeout, memory=options.bytes_of(memory))
    with named_cells.opened(cells) as named:
        request = _Request(
            cells=named,
            level=level,
            engine=engine,
            locks=locks or (),
            allowed=Allowed(data=data or (), trusted=trust_bundle),
            limits=limits,
            format=format,
            save=save,
        )
        _diff(request)


@dataclass(frozen=True, kw_only=True)
class _Request:
    cells: Sequence[str]
    level: int
    engine: str
    locks: Sequence[Path]
    allowed: Allowed
    limits: Limits
    format: str
    save: Path | None


def _diff(request: _Request) -> None:
    machine = wiring.this_machine()
    sides = named_cells.resolve(request.cells, prefer=machine.id, fits=True)
    named_cells.require_one_workload(sides)
    pairs = run_origins.pairs(*_runs(sides))
    if not pairs:
        raise named_cells.one_run(sides[0])
    answer = _answer(request, sides, pairs, machine)
    _show(answer, request, sides)
    study_report.require_verified(answer.unverified)


def _answer(
    request: _Request, sides: Sequence[Side], pairs: Sequence[Pair], machine: LocalMachine
) -> Answer:
    """What the traces say, and, where it is asked for and can say more, the step itself."""
    pair = next((each for each in pairs if each.origin.in_all is not None), None)
    if request.level == TRACES or pair is None or not _may_be_made_again(pair):
        return Answer(pairs=pairs)
    try:
        return Answer(pairs=pairs, step=_study(request, sides, _of_fits(pair), machine))
    except HarnessError as error:
        if pair.one.record.script is None:
            _show(Answer(pairs=pairs, obstacle=str(error)), request, sides)
            raise
        console.note(f"the step is not made again: {error}")
        return Answer(pairs=pairs, obstacle=str(error))


def _study(
    request: _Request, sides: Sequence[Side], pair: Pair, machine: LocalMachine
) -> StepStudy:
    """Make the first step that differs again on both sides."""
    chosen, because = choice.choose(request.engine)
    setting = Setting(
        engine=chosen,
        chosen_because=because,
        named=options.named(request.engine),
        machine=machine,
        limits=request.limits,
    )
    cells = [_cell(side) for side in sides]
    recorded = cell_experiment.recorded_locks(
        sides,
        [cell.environment for cell in cells],
        own=request.locks,
        engine=chosen,
        trusted=request.allowed.trusted,
    )
    ends = [
        End(
            cell=cell,
            # Each side has its own: two versions of a script may be compared.
            scripts=cell_scripts.ready([side], [cell], request.allowed, chosen),
            fit=run.fit or (1, 1),
        )
        for side, cell, run in zip(sides, cells, (pair.one, pair.other), strict=True)
    ]
    with step_experiment.opened(setting, cell_experiment.lock_source(recorded)) as experiment:
        return step_levels.study(experiment, pair, ends, transplants=request.level >= TRANSPLANT)


def _of_fits(pair: Pair) -> Pair:
    """The same pair, with the fit of a script named in which the step is that differs."""
    model, fit = pair.origin.model, pair.origin.fit
    if pair.one.record.script is None or pair.one.fit is not None or model is None or fit is None:
        return pair
    one, other = (replace(run, fit=(model, fit)) for run in (pair.one, pair.other))
    return replace(pair, one=one, other=other)


def _runs(sides: Sequence[Side]) -> list[list[Run]]:
    """The runs that are compared: of two cells that are stable, one of each."""
    runs = [
        [Run(record=each, sweep=side.sweep.folder, fit=side.fit) for each in side.records]
        for side in sides
    ]
    weights = [{r.record.measured.weights_sha256 for r in its if r.record.measured} for its in runs]
    one, other = (its[0].record for its in runs)
    is_one_cell = (
        one.cell == other.cell and runs[0][0].sweep.resolve() == runs[1][0].sweep.resolve()
    )
    if not is_one_cell and all(len(each) == 1 for each in weights):
        return [its[:1] for its in runs]
    return runs


def _may_be_made_again(pair: Pair) -> bool:
    """Whether levels 2 and 3 can say more; a note says why not."""
    origin = pair.origin
    if not origin.in_all or origin.kind == "other regime":
        # The weights before training are in the records; no step is needed to see them.
        return False
    if pair.one.record.script is not None:
        return True
    return (origin.model, origin.fit) == (1, 1)


def _cell(side: Side) -> Cell:
    try:
        return cell_of(side.records[0])
    except UnknownCellError as error:
        raise UsageError(f"{side.cell}: cannot be run here: {error}") from error


def _show(answer: Answer, request: _Request, sides: Sequence[Side]) -> None:
    step = answer.step
    # For programs there is always a table.
    frame = (
        step_difference.frame(step.parts if step else [])
        if step or request.format == "csv"
        else None
    )
    names = [side.name for side in sides]
    saved = Saved(path=request.save, command="diff", cells=names) if request.save else None
    found = Found(cells=names, sentences=answer.sentences, fields=answer.fields, rows="parts")
    study_report.show(found, frame, request.format, step_difference.SHOWN, saved)
