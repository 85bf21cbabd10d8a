"""Steps of recorded runs, made again and watched; nothing of it is recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from harness import console, scratch
from harness.cli import sweeps, wiring
from harness.cli.sweeps import LockSource, Setting
from harness.errors import UsageError
from harness.executors import watched_runs
from harness.executors.context import Context
from harness.executors.watched_runs import Watched
from harness.matrix.cells import Cell
from harness.protocol.job import Job
from harness.protocol.script import Script
from harness.results.blobs import Arrays
from harness.results.store import Store
from harness.runner.trace import Watch
from harness.sweep import machine_limits
from harness.sweep.jobs import Maker
from harness.sweep.planning import Step

_NAME = "diff"


@dataclass(frozen=True, kw_only=True)
class End:
    """What trains one side of a comparison: a cell, its script (by workload) if it has one, and the
    model and fit of the script that are meant."""

    cell: Cell
    scripts: Mapping[str, Script] = field(default_factory=dict)
    fit: tuple[int, int] = (1, 1)


class StepExperiment:
    """Makes watched runs of cells on this machine."""

    def __init__(self, setting: Setting, context: Context, locks: LockSource) -> None:
        self._context = context
        self._settled = machine_limits.settled(
            setting.machine.limits, lambda device: setting.engine.unavailable(device=device)
        )
        self._locks = locks
        self._limits = setting.limits

    def watched(self, end: End, watch: Watch, state: Arrays | None = None) -> Watched:
        """One run of an end up to a step; with `state`, that step from there.

        Raises:
            HarnessError: the cell cannot run here, or did not get that far.
        """
        how = "from the state of A" if state else f"to step {watch.last}"
        console.note(f"{end.cell.id}: {how}")
        model, fit = end.fit
        of_fit = replace(watch, model=model, fit=fit)
        return watched_runs.carry_out(self._context, self._job(end), of_fit, state)

    def _job(self, end: End) -> Job:
        settled = self._settled(end.cell)
        if settled.status is not None:
            raise UsageError(f"{end.cell.id}: cannot run here: {settled.reason}")
        maker = Maker(
            matrix=_NAME,
            lock=self._locks.make,
            data=wiring.data_reference,
            scripts=end.scripts,
            limits=self._limits,
        )
        jobs, unlocked = maker.jobs([Step(cell=end.cell, repeat=1, action="run", why="watched")])
        if unlocked:
            raise unlocked[0].error
        return jobs[0]


@contextmanager
def opened(setting: Setting, locks: LockSource) -> Iterator[StepExperiment]:
    """An experiment, with a folder of its own that is gone at the end."""
    with scratch.folder(_NAME) as folder:
        store = Store(folder, _NAME, setting.machine.id)
        with sweeps.opened(store, setting.machine):
            yield StepExperiment(setting, sweeps.context(setting, store), locks)
