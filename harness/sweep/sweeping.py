"""The sweep: environments are prepared, their runs carried out, every record written at once."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from harness.datasets.prepared import Prepared
from harness.engines.protocol import Engine, Image
from harness.environments.lock import Lock
from harness.errors import BuildError, HarnessError
from harness.matrix.axes import to_json
from harness.matrix.environment import Environment
from harness.results.record import Record
from harness.results.store import Store
from harness.runner import exchange
from harness.sweep import groups, processes, recording
from harness.sweep.cpus import CpuSets
from harness.sweep.groups import Group
from harness.sweep.here import cpus_for
from harness.sweep.processes import Ending, Isolation, Limits, Place
from harness.sweep.progress import SweepProgress
from harness.sweep.recording import Origin, Run
from harness.sweep.staging import StagedRunner


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a sweep works with.

    `lock` gives an environment's lock (made if there is none), `data` the prepared set of a
    workload; both raise a `HarnessError` that says why not. `cpus` are the host's CPUs to share,
    `holders` how many runs fit into memory at once, `logs` the folder for build logs.
    """

    engine: Engine
    store: Store
    origin: Origin
    runner: StagedRunner
    lock: Callable[[Environment], Lock]
    data: Callable[[str], Prepared]
    data_root: Path
    cpus: tuple[int, ...]
    holders: int
    limits: Limits
    isolation: Isolation
    logs: Path


@dataclass(kw_only=True)
class Tally:
    """What became of the runs: how many ended in each status, which environments did not build."""

    statuses: Counter[str] = field(default_factory=Counter)
    unbuilt: dict[str, HarnessError] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Missing:
    """Why an environment cannot be had; `lock` is there if that much worked."""

    error: HarnessError
    lock: Lock | None


class Sweep:
    """Carries out the runs of one sweep. `carry_out` may be interrupted at any time."""

    def __init__(self, scene: Scene, progress: SweepProgress) -> None:
        self._scene = scene
        self._progress = progress
        self._cpu_sets = CpuSets(scene.cpus, scene.holders)
        self._waiting: dict[Future[Any], Callable[[Any], None]] = {}
        self._groups: list[Group] = []
        self._tally = Tally()
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
                prepared = self._builder.submit(self._prepare, environment)
                self._waiting[prepared] = partial(self._environment_ready, its_runs)
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
                self._waiting.pop(future)(future.result())

    def _abandon(self) -> None:
        self._builder.shutdown(wait=False, cancel_futures=True)
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._scene.engine.cancel()
        for group in self._groups:
            group.close()

    def _prepare(self, environment: Environment) -> Image | _Missing:
        lock: Lock | None = None
        try:
            lock = self._scene.lock(environment)
            self._progress.preparing(f"preparing {environment.id}")
            log = self._scene.logs / f"{environment.id}.build.log"
            return self._scene.engine.assemble(lock, log)
        except HarnessError as error:
            return _Missing(error=error, lock=lock)

    def _environment_ready(self, runs: list[Run], found: Image | _Missing) -> None:
        if isinstance(found, _Missing):
            self._progress.preparing(f"not prepared: {found.error}")
            self._tally.unbuilt[runs[0].cell.environment.id] = found.error
            for run in runs:
                self._write_unavailable(run, found.lock, _first_line(found.error))
            return
        for its_runs in groups.grouped(self._with_data(runs, found.lock)).values():
            self._submit_group(self._place(found, its_runs[0]), its_runs)

    def _with_data(self, runs: list[Run], lock: Lock) -> list[Run]:
        ready = []
        for run in runs:
            try:
                self._scene.data(str(run.cell.settings["workload"]))
                ready.append(run)
            except HarnessError as error:
                self._write_unavailable(run, lock, _first_line(error))
        return ready

    def _place(self, image: Image, run: Run) -> Place:
        scene = self._scene
        return Place(
            engine=scene.engine,
            image=image,
            runner=scene.runner,
            data=scene.data_root,
            variables=groups.variables_of(run.cell),
            gpu=run.cell.environment.device == "gpu",
        )

    def _submit_group(self, place: Place, runs: list[Run]) -> None:
        scene = self._scene
        cpus = scene.cpus[: self._widest(runs)]
        group = Group(place, len(runs), cpus, scene.limits, scene.holders)
        self._groups.append(group)
        for run in runs:
            future = self._workers.submit(self._carry_out_one, group, run)
            self._waiting[future] = self._count

    def _widest(self, runs: list[Run]) -> int:
        explicit = runs[0].cell.settings["cpus"]
        return explicit if isinstance(explicit, int) else len(self._scene.cpus)

    def _carry_out_one(self, group: Group, run: Run) -> Record:
        count = cpus_for(run.cell.settings, len(self._scene.cpus))
        try:
            with self._cpu_sets.hold(count) as cpus, self._progress.running(run.cell.id):
                started = _now()
                with self._process(group, run, cpus) as ending:
                    return self._write(group.place, run, ending, started)
        finally:
            group.run_over()

    def _process(
        self, group: Group, run: Run, cpus: tuple[int, ...]
    ) -> AbstractContextManager[Ending]:
        request = self._request(run, group.place.image.lock)
        if self._scene.isolation == "forked":
            return group.forked(request, cpus)
        return processes.fresh(group.place, request, cpus, self._scene.limits)

    def _request(self, run: Run, lock: Lock) -> Mapping[str, Any]:
        settings = run.cell.settings
        return {
            "schema": exchange.SCHEMA,
            "cell": run.cell.id,
            "repeat": run.repeat,
            "data": self._scene.data(str(settings["workload"])).folder.name,
            "settings": {name: to_json(value) for name, value in settings.items()},
            "device": run.cell.environment.device,
            "packages": {package.name: package.version for package in lock.packages},
        }

    def _write(self, place: Place, run: Run, ending: Ending, started: str) -> Record:
        scene = self._scene
        record = recording.of_ending(scene.origin, run, place, ending, scene.limits, started)
        weights, predictions = (
            ending.folder / name for name in (exchange.WEIGHTS, exchange.PREDICTIONS)
        )
        scene.store.write(
            record,
            weights if weights.exists() else None,
            predictions if predictions.exists() else None,
        )
        self._progress.finished(record)
        return record

    def _write_unavailable(self, run: Run, lock: Lock | None, reason: str) -> None:
        record = recording.of_unavailable(self._scene.origin, run, lock, reason, _now())
        self._scene.store.write(record, None, None)
        self._progress.finished(record)
        self._count(record)

    def _count(self, record: Record) -> None:
        self._tally.statuses[record.status] += 1


def _first_line(error: HarnessError) -> str:
    kind = "not built: " if isinstance(error, BuildError) else ""
    return kind + str(error).partition("\n")[0]


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
