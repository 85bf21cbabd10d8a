"""Which cells of foreign results can be tried on this machine, and what each needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.analysis.model_differences import Model
from harness.datasets import catalogue
from harness.environments.lock import Lock
from harness.errors import LockError
from harness.matrix.cells import AXIS_INDEX, Cell
from harness.studies import foreign_scripts
from harness.studies.foreign_locks import Locks
from harness.studies.foreign_scripts import Scripts
from harness.studies.reference import Reference
from harness.subjects import uncontained_runs

Settle = Callable[[Cell], Cell]
"""Marks a cell `unavailable`, with the reason, where this machine cannot run it."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A cell that can be tried here, or the obstacle to that.

    `sweep` names the matrix under which it runs: that of the reference, with the lock's digest
    where the same environment is also tried with another lock.
    """

    reference: Reference
    obstacle: str = ""
    lock: Lock | None = None
    sweep: str = ""


def trials(
    references: Iterable[Reference], locks: Locks, scripts: Scripts, settle: Settle
) -> list[Trial]:
    """A trial for every reference, in order."""
    named = [_trial(reference, locks, scripts, settle) for reference in references]
    return list(_named(named))


def _trial(reference: Reference, locks: Locks, scripts: Scripts, settle: Settle) -> Trial:
    cell, model = reference.cell, reference.model
    if reference.obstacle or cell is None or model is None:
        return Trial(reference=reference, obstacle=reference.obstacle)
    settled = settle(cell)
    if settled.status is not None:
        return Trial(reference=reference, obstacle=f"{settled.status} here: {settled.reason}")
    obstacle = _missing(reference, cell, model, scripts)
    if obstacle:
        return Trial(reference=reference, obstacle=obstacle)
    try:
        lock = locks.get(reference.matrix, reference.lock_sha256, cell.environment)
    except LockError as error:
        return Trial(reference=reference, obstacle=str(error).partition("\n")[0])
    return Trial(reference=reference, lock=lock, sweep=reference.matrix)


def _missing(reference: Reference, cell: Cell, model: Model, scripts: Scripts) -> str:
    """What is not here of what is trained: a script, or the data that it was trained on."""
    if reference.script is not None:
        return scripts.obstacle(reference.matrix, reference.script)
    name = catalogue.for_workload(cell.workload)
    if name is None:
        return f"the workload {cell.workload} is not known here"
    data = catalogue.get(name).sha256
    if model.data_sha256 == data:
        return ""
    return f"trained on other data there ({model.data_sha256[:8]}…, here {data[:8]}…)"


def _named(trials: Sequence[Trial]) -> Iterator[Trial]:
    """The same trials; a second lock of the same environment makes another sweep.

    So does a second script of the same name.
    """
    first: dict[tuple[str, str], str] = {}
    for trial in trials:
        if trial.lock is None:
            yield trial
            continue
        sha256 = trial.lock.sha256
        plain = first.setdefault((trial.sweep, trial.lock.environment.id), sha256) == sha256
        sweep = trial.sweep if plain else f"{trial.sweep}.lock-{sha256[:8]}"
        script = trial.reference.script
        if script and first.setdefault((sweep, script.name), script.sha256) != script.sha256:
            sweep = f"{sweep}.script-{script.sha256[:8]}"
        yield Trial(reference=trial.reference, lock=trial.lock, sweep=sweep)


def foreign_code(trials: Sequence[Trial], locks: Locks) -> list[str]:
    """What the results bring that would run in the engine.

    Scripts that never ran here outside of a container, locks not one's own, and variables.
    """
    scripts = {
        f"the script {foreign_scripts.title(script)}, its folder {script.folder_sha256[:12]}…"
        for trial in trials
        if trial.lock is not None
        and (script := trial.reference.script) is not None
        and (cell := trial.reference.cell) is not None
        and not uncontained_runs.has(script, cell.settings)
    }
    brought = {
        f"the packages of {trial.lock.environment.id} ({trial.lock.path.name})"
        for trial in trials
        if trial.lock is not None and not locks.is_own(trial.lock.sha256)
    }
    variables = {
        f"the variable {name}"
        for trial in trials
        if trial.lock is not None and trial.reference.cell is not None
        for name, _ in _variables(trial.reference.cell)
    }
    return [*sorted(scripts), *sorted(brought), *sorted(variables)]


def _variables(cell: Cell) -> tuple[tuple[str, str], ...]:
    value = cell.values[AXIS_INDEX["env"]]
    return value if isinstance(value, tuple) else ()
