"""The sweep: environments are prepared, their runs carried out, every record written at once."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
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
from harness.sweep.processes import Isolation, Place
from harness.sweep.progress import SweepProgress
from harness.sweep.recording import Run
from harness.sweep.running import Running
from harness.sweep.scene import Scene


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


@dataclass(frozen=True, kw_only=True, order=True)
class _Work:
    """Something for a worker, and what to do with its result; ordered by `rank`."""

    rank: tuple[int, int]
    function: Callable[[], Any] = field(compare=False)
    after: Callable[[Any], None] = field(compare=False)


_Pair = tuple[str, str]
"""A lock's digest and a workload: what one audit answers for."""


class Sweep:
    """Carries out the runs of one sweep. `carry_out` may be interrupted at any time."""

    def __init__(self, scene: Scene, progress: SweepProgress) -> None:
        self._scene = scene
        self._progress = progress
        self._running = Running(scene, progress)
        self._tally = Tally()
        self._waiting: dict[Future[Any], Callable[[Any], None]] = {}
        self._groups: list[Group] = []
        self._held: dict[_Pair, list[tuple[Group, Run]]] = {}
        self._forked: dict[str, list[tuple[Group, Run]]] = {}
        self._ranks: dict[Environment, int] = {}
        self._numbers = itertools.count()
        self._queue: list[_Work] = []
        self._at_work: set[Future[Any]] = set()
        self._builder = ThreadPoolExecutor(1, thread_name_prefix="build")
        self._workers = ThreadPoolExecutor(len(scene.cpus), thread_name_prefix="run")

    def carry_out(self, runs: Iterable[Run]) -> Tally:
        """Run everything and write a record for each run, whatever its outcome.

        Raises:
            EngineError: the engine failed; finished runs are recorded.
            KeyboardInterrupt: nothing is left running; finished runs are recorded.
        """
        by_environment: dict[Environment, list[Run]] = {}
        for run in runs:
            by_environment.setdefault(run.cell.environment, []).append(run)
        try:
            for environment, its_runs in by_environment.items():
                self._ranks[environment] = len(self._ranks)
                ready = partial(self._environment_ready, its_runs)
                self._waiting[self._builder.submit(self._prepare, environment)] = ready
            self._attend()
        except BaseException:
            self._abandon()
            raise
        finally:
            self._builder.shutdown(cancel_futures=True)
            self._workers.shutdown(cancel_futures=True)
        return self._tally

    def _attend(self) -> None:
        while self._waiting:
            done, _ = wait(self._waiting, return_when=FIRST_COMPLETED)
            for future in done:
                self._at_work.discard(future)
                self._waiting.pop(future)(future.result())
            self._occupy_workers()

    def _occupy_workers(self) -> None:
        """Hand out work only as workers get free, so that it can still be put in order."""
        while self._queue and len(self._at_work) < len(self._scene.cpus):
            work = heapq.heappop(self._queue)
            future = self._workers.submit(work.function)
            self._at_work.add(future)
            self._waiting[future] = work.after

    def _enqueue(self, run: Run, function: Callable[[], Any], after: Callable[[Any], None]) -> None:
        """Earlier environments come first: their warm processes can end before others start."""
        rank = (self._ranks[run.cell.environment], next(self._numbers))
        heapq.heappush(self._queue, _Work(rank=rank, function=function, after=after))

    def _abandon(self) -> None:
        self._running.abandon()
        self._builder.shutdown(wait=False, cancel_futures=True)
        self._workers.shutdown(wait=False, cancel_futures=True)
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
        self._groups.append(group)
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
        after = partial(self._forked_over, group, run) if isolation == "forked" else self._count
        work = partial(self._running.carry_out, group, run, isolation, audited)
        self._enqueue(run, work, after)

    def _forked_over(self, group: Group, run: Run, record: Record) -> None:
        """A forked run is over; it is done again cold if an audit has failed meanwhile."""
        self._count(record)
        lock_sha256, workload = _pair(group, run)
        self._forked.setdefault(lock_sha256, []).append((group, run))
        known = self._scene.audits.known(lock_sha256, workload)
        if self._scene.isolation == "auto" and known is not None and known.state == "failed":
            self._redo_forked(lock_sha256)

    def _audit(self, group: Group, run: Run) -> None:
        work = partial(self._running.carry_out_audited, group, run)
        self._enqueue(run, work, partial(self._audited, group, run))

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
            self._submit(again, run)

    def _count(self, record: Record) -> None:
        self._tally.statuses[record.cell, record.repeat] = record.status


def _pair(group: Group, run: Run) -> _Pair:
    return group.place.image.lock.sha256, str(run.cell.settings["workload"])
