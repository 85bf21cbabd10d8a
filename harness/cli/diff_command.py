"""`diff`: at which step two cells, or two runs, parted, and what of that step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer

from harness import console
from harness.analysis import origins
from harness.cli import (
    bundle_commands,
    cell_experiment,
    cell_scripts,
    options,
    step_experiment,
    study_report,
    wiring,
)
from harness.cli.cell_scripts import Allowed
from harness.cli.step_experiment import End, StepExperiment
from harness.cli.study_report import Saved
from harness.cli.sweeps import Setting
from harness.cli.wiring import LocalMachine
from harness.engines import choice
from harness.errors import HarnessError, UnverifiedError, UsageError
from harness.executors.run_processes import Limits
from harness.matrix.cells import Cell
from harness.publish import study_files
from harness.results.blobs import Arrays
from harness.runner.trace import Watch
from harness.studies import named_cells, run_origins, step_difference, step_study
from harness.studies.named_cells import Side
from harness.studies.record_cells import UnknownCellError, cell_of
from harness.studies.run_origins import Pair, Run
from harness.studies.step_study import StepStudy, Transplant

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
    pairs = run_origins.pairs(*_runs(sides))
    lines = step_study.of_pairs(pairs)
    pair = next((each for each in pairs if each.origin.in_all is not None), None)
    if request.level == TRACES or pair is None or not _may_be_made_again(pair):
        _show(lines, None, request, sides)
        return
    try:
        study = _study(request, sides, _of_fits(pair), machine)
    except HarnessError as error:
        _show(lines, None, request, sides)
        if pair.one.record.script is None:
            raise
        console.note(f"the step is not made again: {error}")
        return
    _show([*lines, *step_study.of_step(study)], study, request, sides)
    if not study.verified:
        raise UnverifiedError("the watched steps are not those of the recorded runs; see above")


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
        return _studied(experiment, pair, ends, request.level)


def _of_fits(pair: Pair) -> Pair:
    """The same pair, with the fit of a script named in which the step is that differs."""
    model, fit = pair.origin.model, pair.origin.fit
    if pair.one.record.script is None or pair.one.fit is not None or model is None or fit is None:
        return pair
    one, other = (replace(run, fit=(model, fit)) for run in (pair.one, pair.other))
    return replace(pair, one=one, other=other)


def _runs(sides: Sequence[Side]) -> list[list[Run]]:
    """The runs that are compared: of cells that are stable, one of each."""
    runs = [
        [Run(record=each, sweep=side.sweep.folder, fit=side.fit) for each in side.records]
        for side in sides
    ]
    weights = [{r.record.measured.weights_sha256 for r in its if r.record.measured} for its in runs]
    if all(len(each) == 1 for each in weights):
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


def _studied(experiment: StepExperiment, pair: Pair, ends: Sequence[End], level: int) -> StepStudy:
    origin, last = pair.origin, pair.origin.in_all or 1
    traces: Sequence[Arrays | None] = [run.trace() for run in (pair.one, pair.other)]
    verified = True
    if origin.unseen:
        dense = _with_every_row(experiment, ends, origin.unseen, last)
        verified = _are_same(traces, dense, last)
        origin, traces = origins.of_unequal(*dense), dense
    step = origin.in_all or last
    whole = [experiment.watched(end, Watch(step, step, step)) for end in ends]
    verified = verified and _are_same(traces, [each.trace for each in whole], step)
    parts = step_difference.compare(whole[0].step, whole[1].step)
    transplant, obstacle = None, ""
    if level >= TRANSPLANT:
        try:
            transplant = _transplanted(experiment, ends, whole[0].step, step)
        except HarnessError as error:
            obstacle = str(error)
    return StepStudy(
        origin=origin,
        is_narrowed=bool(pair.origin.unseen),
        parts=parts,
        verified=verified,
        transplant=transplant,
        obstacle=obstacle,
    )


def _with_every_row(
    experiment: StepExperiment, ends: Sequence[End], unseen: int, last: int
) -> list[Arrays]:
    """Traces with a row for each of the steps that had none, for the one before, and the last."""
    watch = Watch(max(1, last - unseen - 1), last, None)
    return [experiment.watched(end, watch).trace for end in ends]


def _are_same(traces: Sequence[Arrays | None], again: Sequence[Arrays], step: int) -> bool:
    """Whether what was made again left what the runs left that were not watched."""
    return all(
        trace is not None and step_study.same_row(trace, made, step)
        for trace, made in zip(traces, again, strict=True)
    )


def _transplanted(
    experiment: StepExperiment, ends: Sequence[End], made: Arrays, step: int
) -> Transplant:
    state = step_study.state_of(made, step)
    watch = Watch(1, 1, 1)
    own, theirs = (experiment.watched(end, watch, state).step for end in ends)
    return Transplant(
        own=step_difference.compare(made, own), theirs=step_difference.compare(made, theirs)
    )


def _show(
    lines: Sequence[str], study: StepStudy | None, request: _Request, sides: Sequence[Side]
) -> None:
    parts = study.parts if study else []
    # For programs there is always a table.
    frame = step_difference.frame(parts) if study or request.format in ("csv", "json") else None
    names = [side.name for side in sides]
    saved = Saved(path=request.save, command="diff", cells=names) if request.save else None
    study_report.show(lines, frame, request.format, step_difference.SHOWN, saved)
