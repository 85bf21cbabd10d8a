"""What makes one unstable cell stable: the search of `diagnose`, on a cell of results."""

from __future__ import annotations

from dataclasses import replace

from harness import console
from harness.analysis.class_letters import class_letter
from harness.cli import study_report
from harness.cli.cell_experiment import CellExperiment
from harness.cli.study_report import Found, Saved
from harness.errors import IncompleteSweepError, NotReproducibleError
from harness.matrix import cells
from harness.matrix.cells import SETTING_AXES, Cell
from harness.protocol.axes import Value
from harness.results.record import Record
from harness.studies import diagnosis, hybrid_table, repetition, search, stability
from harness.studies.hybrid_table import Row
from harness.studies.named_cells import Side
from harness.studies.search import Cure, Settings, Trial


def study(
    experiment: CellExperiment,
    side: Side,
    cell: Cell,
    repeats: int,
    dry_run: bool,
    format: str,
    saved: Saved | None,
) -> None:
    """Look for the smallest set of settings that makes the cell stable, and say it.

    Raises:
        IncompleteSweepError: the cell does not run here.
        NotReproducibleError: no setting makes it stable, or it is stable here and was not there.
    """
    candidates = tuple(
        (name, value) for name, value in diagnosis.CURES if cell.settings[name] != value
    )
    console.note(f"A: {side.name}")
    if dry_run:
        lines = _prospect(experiment, cell, repeats, candidates)
        said = Found(
            cells=[side.name], sentences=lines, fields={"state": "dry run"}, rows="hybrids"
        )
        study_report.show(said, None, format, hybrid_table.SHOWN)
        return
    trials = _Trials(experiment, cell, repeats)
    base = trials({})
    unstable = base.is_complete and bool(base.differing)
    cure = search.cure(candidates, trials) if unstable else None
    unverified = trials.unverified
    if base.is_complete and base.distinct:
        settings = dict(cure.trial.settings) if cure and cure.trial else None
        said = Found(
            cells=[side.name],
            sentences=[
                *stability.sentences(base, cure),
                *study_report.unverified(unverified),
            ],
            fields={
                "state": "unverified" if unverified else "unstable" if cure else "stable",
                "stable_with": settings,
                "unverified": unverified,
            },
            rows="hybrids",
        )
        trials.show(said, format, saved)
    study_report.note_records(experiment.store.folder.parent)
    study_report.require_verified(unverified)
    _judge(side, base, cure)


class _Trials:
    """The cell with other settings: the oracle of the search, and the rows of its table."""

    def __init__(self, experiment: CellExperiment, cell: Cell, repeats: int) -> None:
        self._experiment = experiment
        self._base = cell
        self._repeats = repeats
        self._rows: dict[str, Row] = {}

    def __call__(self, settings: Settings) -> Trial:
        cell = self._cell(settings)
        records = self.records(settings)
        completed = all(record.status == "completed" for record in records)
        repeats = self._repeats if completed else len(records)
        trial = repetition.trial(settings, records, repeats)
        if cell.status is not None:
            trial = replace(trial, reason=f"{cell.status}: {cell.reason}")
        name = diagnosis.in_words(settings)
        found = repetition.hybrid(settings, records, repeats, trial.reason)
        self._rows[name] = Row(name=name, cell=cell.id, hybrid=found)
        reason = f" ({trial.reason})" if trial.reason else ""
        console.note(f"{name}: {diagnosis.outcome(trial)}{reason}")
        return trial

    def records(self, settings: Settings) -> list[Record]:
        """The records of the repeats; where the first does not complete, it is the only one."""
        cell = self._cell(settings)
        first = self._experiment.records(cell, 1)
        goes_on = first and first[0].status == "completed"
        return self._experiment.records(cell, self._repeats) if goes_on else first

    @property
    def unverified(self) -> list[str]:
        """Why weights that were found equal are not verified to be."""
        return self._experiment.unverified(self._rows.values())

    def show(self, said: Found, format: str, saved: Saved | None) -> None:
        """The sentences, and the settings that were tried."""
        every = (weights for row in self._rows.values() for weights in row.hybrid.weights)
        letters = {
            weights: class_letter(number) for number, weights in enumerate(dict.fromkeys(every))
        }
        frame = hybrid_table.frame(self._rows.values(), letters)
        study_report.show(said, frame, format, hybrid_table.SHOWN, saved)

    def _cell(self, settings: Settings) -> Cell:
        values = zip(SETTING_AXES, self._base.values, strict=True)
        together = tuple(settings.get(axis.name, value) for axis, value in values)
        return self._experiment.settled(cells.combined(self._base.environment, together))


def _prospect(
    experiment: CellExperiment, cell: Cell, repeats: int, candidates: tuple[tuple[str, Value], ...]
) -> list[str]:
    known = experiment.answered(cell, repeats)
    settings = ", ".join(f"{name}={value}" for name, value in candidates)
    most = repeats * (2 * len(candidates) + 1)
    return [
        f"A: {repeats} runs, {known} of them recorded: {cell.id}",
        f"If they differ, one at a time until one is enough: {settings}",
        f"If none is: all together, and then without each of them; at most {most} runs in all",
    ]


def _judge(side: Side, base: Trial, cure: Cure | None) -> None:
    """Raise what decides the exit code; nothing where the question was answered."""
    if not base.is_complete:
        raise IncompleteSweepError(f"{side.cell}: {base.reason}")
    if not base.distinct:
        raise IncompleteSweepError(f"{side.cell}: no verdict, for there is nothing to compare")
    recorded = {r.measured.weights_sha256 for r in side.records if r.measured}
    if base.is_stable and len(recorded) > 1:
        raise NotReproducibleError(
            f"unstable as recorded ({len(recorded)} different weights in {len(side.records)} runs),"
            f" and {base.repeats} runs here are equal; --repeats looks closer"
        )
    if cure is not None and cure.trial is None:
        raise NotReproducibleError("no setting tried makes it stable")
