"""One run: a place on the machine, a process, a record."""

from __future__ import annotations

import datetime
import errno
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from harness.environments.lock import Lock
from harness.errors import EngineError, RecordError
from harness.protocol import exchange
from harness.protocol.axes import to_json
from harness.results.record import Record
from harness.sweep import audit, processes, recording
from harness.sweep.attestation import asked_versions
from harness.sweep.audit import Audit
from harness.sweep.cpus import CpuSets
from harness.sweep.groups import Group
from harness.sweep.here import cpus_for
from harness.sweep.processes import AbandonedError, Ending, Isolation, Place
from harness.sweep.progress import SweepProgress
from harness.sweep.recording import Run
from harness.sweep.replies import Reply
from harness.sweep.scene import Scene


class Running:
    """Carries out single runs and writes their records. Thread-safe."""

    def __init__(self, scene: Scene, progress: SweepProgress) -> None:
        self._abandoned = threading.Event()
        self._scene = scene
        self._progress = progress
        self._cpu_sets = CpuSets(scene.cpus, scene.holders)
        # TensorFlow takes all of a GPU's memory, so GPU runs go one after the other.
        self._gpu = threading.Lock()

    def abandon(self) -> None:
        """From now on, runs that end were ended by the interruption and are not recorded."""
        self._abandoned.set()

    def warm_up(self, group: Group) -> None:
        """Start the group's process; its import takes a CPU like a run.

        An engine that fails is the first run's to report.
        """
        with self._seat("importing TensorFlow", 1, gpu=False):
            if self._abandoned.is_set():
                raise AbandonedError
            group.warm_up()

    def carry_out(self, group: Group, run: Run, isolation: Isolation, audited: str) -> Record:
        """Run once and record it; `audited` says in the record what is known about forking."""
        try:
            with self._seat_for(run) as cpus:
                started = now()
                with self._process(group, run, isolation, cpus) as ending:
                    return self._write(group, run, ending, started, audited)
        finally:
            group.run_over()

    def carry_out_audited(self, group: Group, run: Run) -> tuple[Record, Audit]:
        """Run once cold, record that, and do the same forked to compare."""
        try:
            with self._seat_for(run) as cpus:
                started = now()
                with self._process(group, run, "fresh", cpus) as ending:
                    record = self._write(group, run, ending, started, "the cold side of an audit")
                    cold = ending.reply
                forked = None
                if record.status == "completed":
                    forked = self._reply(group, run, "forked", cpus)
                found = audit.compare(cold, forked, lambda: self._reply(group, run, "fresh", cpus))
                return record, found
        finally:
            group.run_over()

    def write_unavailable(self, run: Run, lock: Lock | None, reason: str) -> Record:
        """Record a run that cannot have a process, with the reason.

        A completed record from before stays: it is worth more than the news that its environment
        cannot be had today.
        """
        record = recording.of_unavailable(self._scene.origin, run, lock, reason, now())
        there = self._scene.store.read(record.cell, record.repeat)
        if there is None or there.status != "completed":
            self._scene.store.write(record, None, None)
        self._progress.finished(record)
        return record

    def _seat_for(self, run: Run) -> AbstractContextManager[tuple[int, ...]]:
        count = cpus_for(run.cell.settings, len(self._scene.cpus))
        return self._seat(run.cell.id, count, gpu=run.cell.environment.device == "gpu")

    @contextmanager
    def _seat(self, what: str, count: int, *, gpu: bool) -> Iterator[tuple[int, ...]]:
        try:
            with (
                self._gpu if gpu else nullcontext(),
                self._cpu_sets.hold(count) as cpus,
                self._progress.running(what),
            ):
                yield cpus
        except OSError as error:
            raise EngineError(
                f"{what}: {error.filename or 'a file'} cannot be written: {error.strerror}; "
                "make room, then start the same command again: finished runs are kept"
            ) from error

    @contextmanager
    def _process(
        self, group: Group, run: Run, isolation: Isolation, cpus: tuple[int, ...]
    ) -> Iterator[Ending]:
        if self._abandoned.is_set():
            raise AbandonedError
        request = self._request(run, group.place)
        way = (
            group.forked(request, cpus)
            if isolation == "forked"
            else processes.fresh(group.place, request, cpus, self._scene.limits)
        )
        with way as ending:
            yield ending

    def _reply(
        self, group: Group, run: Run, isolation: Isolation, cpus: tuple[int, ...]
    ) -> Reply | None:
        with self._process(group, run, isolation, cpus) as ending:
            return ending.reply

    def _request(self, run: Run, place: Place) -> Mapping[str, Any]:
        settings, lock = run.cell.settings, place.image.lock
        return {
            "schema": exchange.SCHEMA,
            "cell": run.cell.id,
            "repeat": run.repeat,
            "data": self._scene.data(str(settings["workload"])).folder.name,
            "settings": {name: to_json(value) for name, value in settings.items()},
            "device": run.cell.environment.device,
            "versions": asked_versions(lock, place.variables),
            "variables": dict(place.variables),
            "packages": {package.name: package.version for package in lock.packages},
        }

    def _write(self, group: Group, run: Run, ending: Ending, started: str, audited: str) -> Record:
        if self._abandoned.is_set():
            raise AbandonedError
        if ending.outcome.exit_code == exchange.DISK_FULL:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(ending.folder))
        record = recording.of_ending(
            self._scene.origin,
            run,
            group.place,
            ending,
            self._scene.limits,
            started=started,
            audited=audited,
        )
        weights, predictions = (
            ending.folder / name for name in (exchange.WEIGHTS, exchange.PREDICTIONS)
        )
        try:
            self._scene.store.write(
                record,
                weights if os.path.lexists(weights) else None,
                predictions if os.path.lexists(predictions) else None,
            )
        except RecordError as error:
            if isinstance(error.__cause__, OSError):
                raise
            # The arrays are not what the reply says they are: the run is at fault, not the disk.
            record = recording.without_results(record, str(error))
            self._scene.store.write(record, None, None)
        self._progress.finished(record)
        return record


def now() -> str:
    """The time in UTC, ISO format, to the second."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
