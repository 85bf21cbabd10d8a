"""Cells of one script, run when a study asks for them, as records of an ordinary sweep."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from harness import console
from harness.cli import sweeps, wiring
from harness.cli.sweeps import LockSource, Setting
from harness.errors import LockError, UsageError
from harness.matrix import cells, reading
from harness.matrix.cells import SETTING_AXES, Cell
from harness.matrix.environment import Environment
from harness.matrix.text import Problems
from harness.results import blobs
from harness.results.record import Measured, Record
from harness.results.store import Store
from harness.studies import diagnosis, repetition
from harness.studies.search import Settings, Trial
from harness.subjects import adopted_matrix
from harness.subjects.adopted_matrix import Proposal
from harness.sweep import machine_limits


def prepared(setting: Setting, proposal: Proposal, results: Path, command: str) -> Experiment:
    """The experiment, with guessed versions of packages only where they can be had."""
    experiment = Experiment(setting, proposal, results, command)
    if not proposal.guessed or experiment.lock_error() is None:
        return experiment
    looser = Experiment(setting, proposal.without_guesses(), results, command)
    if looser.lock_error() is not None:
        return Experiment(setting, proposal, results, command)
    console.note(
        f"{', '.join(sorted(proposal.guessed))}: installed here, but does not fit this TensorFlow;"
        " the newest that fits is taken, --package NAME==VERSION says which"
    )
    return looser


class Experiment:
    """The runs of a script; its matrix file grows with the settings that are tried.

    `environments` are those that the matrix names, `base` is the cell of the script as it is.
    `command` is what the file says that wrote it.
    """

    def __init__(self, setting: Setting, proposal: Proposal, results: Path, command: str) -> None:
        self.path = adopted_matrix.path_for(proposal.name)
        adopted_matrix.require_own(self.path)
        self.proposal = replace(proposal, files=adopted_matrix.files_in(self.path, proposal.name))
        self._command = command
        _require_sound(adopted_matrix.text(self.path, self.proposal, command), self.path)
        adopted_matrix.write(self.path, self.proposal, command)
        self._matrix = reading.read(self.path)
        self._setting = setting
        self._store = Store(results, proposal.name, setting.machine.id)
        as_it_is = list(cells.cells(self._matrix))
        self.base = as_it_is[0]
        self.environments: tuple[Environment, ...] = tuple(each.environment for each in as_it_is)
        self._planned: dict[str, Cell] = {}
        self._records: dict[str, list[Record]] = {}
        self._settle: Callable[[Cell], Cell] = machine_limits.settled(
            setting.machine.limits, lambda device: setting.engine.unavailable(device=device)
        )

    def lock_error(self) -> LockError | None:
        """Why no lock of the script's environment can be made."""
        if self.base.status is not None:
            return None
        try:
            wiring.lock_maker(self.path)(self.base.environment)
        except LockError as error:
            return error
        return None

    def trial(self, settings: Settings) -> Trial:
        """The repeats of the cell with these settings, run unless they are recorded.

        Where the first does not complete, it is the only one.
        """
        cell = self._cell(settings, 0)
        records = self.records(settings)
        repeats = self.proposal.repeats if _all_completed(records) else max(len(records), 1)
        trial = repetition.trial(settings, records, repeats)
        if cell.status is not None:
            trial = replace(trial, reason=cell.reason)
        reason = f" ({trial.reason})" if trial.reason else ""
        console.note(f"{diagnosis.in_words(settings)}: {diagnosis.outcome(trial)}{reason}")
        return trial

    def records(self, settings: Settings) -> list[Record]:
        """The records of the repeats of a cell; none where it cannot run here."""
        cell = self._cell(settings, 0)
        if cell.id not in self._records:
            first = self._run(cell, 1)
            goes_on = first and _all_completed(first)
            self._records[cell.id] = self._run(cell, self.proposal.repeats) if goes_on else first
        return self._records[cell.id]

    def single(self, settings: Settings, environment: int = 0) -> Record | str:
        """The record of one run, or why there is none. `environment` is its place in the matrix."""
        cell = self._cell(settings, environment)
        records = self._run(cell, 1)
        return records[0] if records else cell.reason

    def adopt_files(self, record: Record | str) -> None:
        """Let the files that the script wrote in a run count as results, from the next run on."""
        if isinstance(record, str) or record.status != "completed" or record.script is None:
            return
        script = record.script
        written = [name for name in script.written if not _has_time_in_it(name)]
        files = tuple(glob.escape(name) for name in written[:_MOST_FILES])
        if left_out := sorted(script.written.keys() - written):
            console.note(f"not compared, for the time is in them: {', '.join(left_out)}")
        if files != self.proposal.files:
            console.note(f"files that it writes count as results: {', '.join(files) or 'none'}")
            self.proposal = replace(self.proposal, files=files)
            adopted_matrix.write(self.path, self.proposal, self._command)
            self._matrix = reading.read(self.path)

    def not_finite(self, measured: Measured) -> int:
        """How many tensors hold NaN or infinity at the end; 0 where the weights are not kept."""
        if not measured.weights_sha256:
            return 0
        weights = blobs.read_weights(self._store.blobs, measured.weights_sha256) or {}
        floats = (each for each in weights.values() if each.dtype.kind in "fc")
        return sum(not np.isfinite(each).all() for each in floats)

    def _cell(self, settings: Settings, environment: int) -> Cell:
        values = zip(SETTING_AXES, self.base.values, strict=True)
        return self._settle(
            replace(
                self.base,
                environment=self.environments[environment],
                values=tuple(settings.get(axis.name, value) for axis, value in values),
            )
        )

    def _run(self, cell: Cell, repeats: int) -> list[Record]:
        if cell.status is not None:
            return []
        self._write_down(cell)
        self._planned[cell.id] = cell
        sweeps.carry_out(
            self._setting,
            self._store,
            self._matrix,
            LockSource(read=wiring.lock_reader(self.path), make=wiring.lock_maker(self.path)),
            planned=self._planned.values(),
            selected=[cell],
            repeats=repeats,
        )
        records = (self._store.read(cell.id, repeat) for repeat in range(1, repeats + 1))
        return [record for record in records if record is not None]

    def _write_down(self, cell: Cell) -> None:
        """Let the matrix file name the cell, so that `harness run` goes on with it."""
        settings = {
            axis.name: value
            for axis, value, usual in zip(SETTING_AXES, cell.values, self.base.values, strict=True)
            if value != usual
        }
        if settings and settings not in self.proposal.varied:
            self.proposal = replace(self.proposal, varied=(*self.proposal.varied, settings))
            adopted_matrix.write(self.path, self.proposal, self._command)
            self._matrix = reading.read(self.path)


_MOST_FILES = 50
_WITH_TIME = re.compile(r"\.keras$|\.log$|\.pb$|tfevents|(^|/)\.")
"""Files that hold when they were written, or that no person means: hidden ones."""


def _has_time_in_it(name: str) -> bool:
    return _WITH_TIME.search(name) is not None


def _require_sound(text: str, path: Path) -> None:
    """Refuse what would make a matrix file that is none, before it is written.

    Raises:
        UsageError: that is so; the message says what is wrong.
    """
    problems = Problems()
    matrix = reading.parse(text, problems, path.absolute().parent)
    if matrix is None:
        raise UsageError("; ".join(problem.message for problem in sorted(set(problems.found))))
    base = next(iter(cells.cells(matrix)))
    if base.status is not None:
        raise UsageError(base.reason)


def _all_completed(records: Sequence[Record]) -> bool:
    return all(record.status == "completed" for record in records)
