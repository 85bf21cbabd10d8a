"""The sweep: environments are prepared, their runs carried out, every record written at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from harness.engines.protocol import Image
from harness.environments.lock import Lock
from harness.errors import BuildError, EngineError, HarnessError
from harness.matrix.environment import Environment
from harness.results.record import Record
from harness.sweep import groups
from harness.sweep.audit import Audit
from harness.sweep.groups import Group
from harness.sweep.here import cpus_for
from harness.sweep.processes import Isolation, Place
from harness.sweep.progress import SweepProgress
from harness.sweep.recording import Run
from harness.sweep.running import Running
from harness.sweep.scene import Scene
from harness.sweep.work import Work, Workers


@dataclass(kw_only=True)
class Tally:
    """What became of the runs: status by cell id and repeat, and what did not build, by id."""

    statuses: dict[tuple[str, int], str] = field(default_factory=dict)
    unbuilt: dict[str, HarnessError] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Missing:
    """Why an environment cannot be had; `lock` is there if that much worked."""

    error: HarnessError
    lock: Lock | None


_Pair = tuple[str, str]
"""A lock's digest and a workload: what one audit answers for."""


class Sweep:
    """Carries out the runs of one sweep. `carry_out` may be interrupted at any time."""

    def __init__(self, scene: Scene, progress: SweepProgress) -> None:
        self._scene = scene
        self._progress = progress
        self._running = Running(scene, progress)
        self._tally = Tally()
        self._workers = Workers(len(scene.cpus))
        self._groups: dict[Group, int] = {}
        self._until_warm: dict[Group, list[Work]] = {}
        self._warm: set[Group] = set()
        self._held: dict[_Pair, list[tuple[Group, Run]]] = {}
        self._forked: dict[str, list[tuple[Group, Run]]] = {}
        self._numbers = itertools.count()

    def carry_out(
        self, runs: Iterable[Run], meanwhile: Callable[[], object] | None = None
    ) -> Tally:
        """Run everything and write a record for each run, whatever its outcome.

        `meanwhile` is called when there is time to spare, in a thread; perhaps never.

        Raises:
            EngineError: the engine failed; finished runs are recorded.
            KeyboardInterrupt: nothing is left running; finished runs are recorded.
        """
        by_environment: dict[Environment, list[Run]] = {}
        for run in runs:
            by_environment.setdefault(run.cell.environment, []).append(run)
        try:
            for environment, its_runs in by_environment.items():
                ready = partial(self._environment_ready, its_runs)
                self._workers.build(partial(self._prepare, environment), ready)
            if meanwhile:
                self._workers.in_spare_time(meanwhile)
            self._workers.attend(self._room)
        except BaseException:
            self._abandon()
            raise
        finally:
            self._workers.close()
        return self._tally

    def _room(self) -> bool:
        """Whether another warm process fits beside those that are there."""
        return sum(group.alive for group in self._until_warm) < self._scene.holders

    def _work(
        self, group: Group, run: Run, function: Callable[[], Any], after: Callable[[Any], None]
    ) -> Work:
        """Work ordered so that earlier groups end, and their processes, before others start.

        Within a group runs of as many CPUs come together: else one that needs every CPU waits for
        the others to end while CPUs stand idle.
        """
        cpus = cpus_for(run.cell.settings, len(self._scene.cpus))
        rank = (self._groups[group], cpus, next(self._numbers))
        return Work(rank=rank, function=function, after=after)

    def _warm_up(self, group: Group) -> None:
        """Import TensorFlow for the group's runs, once, while others may still train."""
        if group not in self._until_warm:
            self._until_warm[group] = []
            function = partial(self._running.warm_up, group)
            rank = (self._groups[group], 0)
            warmed = partial(self._warmed, group)
            self._workers.warm_up(Work(rank=rank, function=function, after=warmed))

    def _warmed(self, group: Group, _: None) -> None:
        waiting, self._until_warm[group] = self._until_warm[group], []
        self._warm.add(group)
        for work in waiting:
            self._workers.run(work)

    def _abandon(self) -> None:
        self._running.abandon()
        self._workers.abandon()
        self._scene.engine.cancel()
        for group in self._groups:
            # A full disk must not keep the others from ending.
            with suppress(OSError):
                group.close()

    def _prepare(self, environment: Environment) -> Image | _Missing:
        lock: Lock | None = None
        try:
            lock = self._scene.lock(environment)
            self._progress.preparing(f"preparing {environment.id}")
            log = self._scene.logs / f"{environment.id}.build.log"
            return self._scene.engine.assemble(lock, log)
        except EngineError:
            # An engine that fails ends the sweep; it says nothing about the environment.
            raise
        except HarnessError as error:
            return _Missing(error=error, lock=lock)

    def _environment_ready(self, runs: list[Run], found: Image | _Missing) -> None:
        if isinstance(found, _Missing):
            self._progress.preparing(f"not prepared: {found.error}")
            self._tally.unbuilt[runs[0].cell.environment.id] = found.error
            for run in runs:
                self._count(self._unavailable(run, found.lock, found.error))
            return
        for its_runs in groups.grouped(self._with_data(runs, found.lock)).values():
            self._submit_group(found, its_runs)

    def _with_data(self, runs: list[Run], lock: Lock) -> list[Run]:
        ready = []
        for run in runs:
            try:
                self._scene.data(str(run.cell.settings["workload"]))
                ready.append(run)
            except HarnessError as error:
                self._count(self._unavailable(run, lock, error))
        return ready

    def _unavailable(self, run: Run, lock: Lock | None, error: HarnessError) -> Record:
        kind = "not built: " if isinstance(error, BuildError) else ""
        return self._running.write_unavailable(run, lock, kind + str(error).partition("\n")[0])

    def _submit_group(self, image: Image, runs: list[Run]) -> None:
        scene = self._scene
        place = Place(
            engine=scene.engine,
            image=image,
            runner=scene.runner,
            data=scene.data_root,
            variables=groups.variables_of(runs[0].cell),
            gpu=runs[0].cell.environment.device == "gpu",
        )
        group = Group(place, len(runs), scene.cpus, scene.limits, scene.holders)
        self._groups[group] = len(self._groups)
        for run in runs:
            self._submit(group, run)

    def _submit(self, group: Group, run: Run) -> None:
        """Start the run as the policy says; hold it back where an audit must come first."""
        if self._scene.isolation != "auto":
            self._start(group, run, self._scene.isolation, "not asked for")
            return
        pair = _pair(group, run)
        known = self._scene.audits.known(*pair)
        if known is not None:
            isolation: Isolation = "forked" if known.state == "passed" else "fresh"
            self._start(group, run, isolation, known.sentence)
        elif pair in self._held:
            self._held[pair].append((group, run))
        else:
            self._held[pair] = []
            self._audit(group, run)

    def _start(self, group: Group, run: Run, isolation: Isolation, audited: str) -> None:
        function = partial(self._running.carry_out, group, run, isolation, audited)
        if isolation == "fresh":
            self._workers.run(self._work(group, run, function, self._count))
            return
        work = self._work(group, run, function, partial(self._forked_over, group, run))
        self._warm_up(group)
        if group in self._warm:
            self._workers.run(work)
        else:
            self._until_warm[group].append(work)

    def _forked_over(self, group: Group, run: Run, record: Record) -> None:
        """A forked run is over; it is done again cold if an audit has failed meanwhile."""
        self._count(record)
        lock_sha256, workload = _pair(group, run)
        self._forked.setdefault(lock_sha256, []).append((group, run))
        known = self._scene.audits.known(lock_sha256, workload)
        if self._scene.isolation == "auto" and known is not None and known.state == "failed":
            self._redo_forked(lock_sha256)

    def _audit(self, group: Group, run: Run) -> None:
        function = partial(self._running.carry_out_audited, group, run)
        self._warm_up(group)
        self._workers.run(self._work(group, run, function, partial(self._audited, group, run)))

    def _audited(self, group: Group, run: Run, found: tuple[Record, Audit]) -> None:
        record, audit = found
        self._count(record)
        pair = _pair(group, run)
        self._scene.audits.remember(*pair, audit)
        held = self._held.pop(pair)
        if audit.state == "undecided":
            self._try_another(pair, run, held)
            return
        if audit.state == "failed":
            self._progress.preparing(
                f"forking is off for {run.cell.environment.id}: {audit.sentence}"
            )
            self._redo_forked(pair[0])
        for waiting in held:
            self._submit(*waiting)

    def _try_another(self, pair: _Pair, tried: Run, held: list[tuple[Group, Run]]) -> None:
        """Audit a run of another cell next, if there is one; the tried cell's repeats go cold."""
        others = [(g, r) for g, r in held if r.cell != tried.cell]
        for group, run in held:
            if run.cell == tried.cell:
                self._start(group, run, "fresh", "this cell decided no audit")
        if others:
            self._held[pair] = others[1:]
            self._audit(*others[0])

    def _redo_forked(self, lock_sha256: str) -> None:
        for group, run in self._forked.pop(lock_sha256, []):
            again = Group(group.place, 1, self._scene.cpus, self._scene.limits, 1)
            self._groups[again] = len(self._groups)
            self._submit(again, run)

    def _count(self, record: Record) -> None:
        self._tally.statuses[record.cell, record.repeat] = record.status


def _pair(group: Group, run: Run) -> _Pair:
    return group.place.image.lock.sha256, str(run.cell.settings["workload"])
