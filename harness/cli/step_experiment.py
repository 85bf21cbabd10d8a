"""Steps of recorded runs, made again and watched; nothing of it is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harness import console, scratch
from harness.cli import sweeps, wiring
from harness.cli.sweeps import LockSource, Setting
from harness.errors import UsageError
from harness.executors import watched_runs
from harness.executors.context import Context
from harness.executors.watched_runs import Watched
from harness.matrix.cells import Cell
from harness.protocol.job import Job
from harness.results.blobs import Arrays
from harness.results.store import Store
from harness.runner.trace import Watch
from harness.sweep import machine_limits
from harness.sweep.jobs import Maker
from harness.sweep.planning import Step

_NAME = "diff"


class StepExperiment:
    """Makes watched runs of cells on this machine."""

    def __init__(self, setting: Setting, context: Context, locks: LockSource) -> None:
        self._context = context
        self._settled = machine_limits.settled(
            setting.machine.limits, lambda device: setting.engine.unavailable(device=device)
        )
        self._maker = Maker(
            matrix=_NAME,
            lock=locks.make,
            data=wiring.data_reference,
            scripts={},
            limits=setting.limits,
        )

    def watched(self, cell: Cell, watch: Watch, state: Arrays | None = None) -> Watched:
        """One run of a cell up to a step; with `state`, that step from there.

        Raises:
            HarnessError: the cell cannot run here, or did not get that far.
        """
        console.note(f"{cell.id}: {'from the state of A' if state else f'to step {watch.last}'}")
        return watched_runs.carry_out(self._context, self._job(cell), watch, state)

    def _job(self, cell: Cell) -> Job:
        settled = self._settled(cell)
        if settled.status is not None:
            raise UsageError(f"{cell.id}: cannot run here: {settled.reason}")
        step = Step(cell=cell, repeat=1, action="run", why="watched")
        jobs, unlocked = self._maker.jobs([step])
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
