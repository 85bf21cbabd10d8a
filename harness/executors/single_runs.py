"""One run: a place on the machine, a process, a record."""

from __future__ import annotations

import datetime
import errno
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path

from harness.errors import EngineError, RecordError
from harness.executors import audits, recording, requests, run_processes, working_folders
from harness.executors.audits import Audit
from harness.executors.context import Context
from harness.executors.cpu_sets import AbandonedError, CpuSets, SharedCpuSets, cpus_for
from harness.executors.progress import SweepProgress
from harness.executors.recording import MachineAndEngine
from harness.executors.replies import Reply
from harness.executors.run_processes import Ending, Isolation
from harness.executors.warm_groups import WarmGroup
from harness.protocol import exchange
from harness.protocol.job import Job, Run
from harness.results.record import AuditPart, Record

_LITTLE_BYTES = 256 << 20

_OBSERVED_SIDE = AuditPart(state="cold side", sentence="the observed side of an audit of observing")
_COLD_SIDE = AuditPart(state="cold side", sentence="the cold side of an audit")


class SingleRuns:
    """Carries out single runs and writes their records. Thread-safe."""

    def __init__(self, context: Context, progress: SweepProgress) -> None:
        self._abandoned = threading.Event()
        self._context = context
        self._made_on = MachineAndEngine(
            machine=context.machine,
            hardware=context.hardware,
            engine=context.engine.describe(),
        )
        self._progress = progress
        self._cpu_sets = self._make_cpu_sets()

    def _make_cpu_sets(self) -> CpuSets | SharedCpuSets:
        cpus, slots, locks = self._context.cpus, self._context.slots, self._context.cpu_locks
        if locks is None:
            return CpuSets(cpus, slots)
        return SharedCpuSets(cpus, slots, locks, self._abandoned)

    def abandon(self) -> None:
        """From now on, runs that end were ended by the interruption and are not recorded."""
        self._abandoned.set()

    def warm_up(self, group: WarmGroup) -> None:
        """Start the group's process; its import takes a CPU like a run.

        An engine that fails is the first run's to report.
        """
        with self._reserved_cpus("importing TensorFlow", 1, gpu=False):
            if self._abandoned.is_set():
                raise AbandonedError
            group.warm_up()

    def carry_out(
        self,
        group: WarmGroup,
        run: Run,
        isolation: Isolation,
        audit: AuditPart,
        *,
        observe: bool = True,
        trace: bool = True,
    ) -> Record:
        """Run once and record it; `audit` says in the record what is known about forking.

        Without `observe` of a user's script only what it prints and its files are recorded, without
        `trace` no trace of the training.
        """
        try:
            with self._reserved_cpus_for(group.job, run) as cpus:
                started = now()
                way = self._process(group, run, isolation, cpus, observe=observe, trace=trace)
                with way as ending:
                    return self._write(group, run, ending, started, audit)
        finally:
            group.run_over()

    def carry_out_audited(self, group: WarmGroup, run: Run) -> tuple[Record, Audit]:
        """Run once cold, record that, and do the same in another way to compare.

        A reference training is forked and leaves no trace, a user's script is not observed.
        """
        is_script = run.workload in group.job.scripts
        side = _OBSERVED_SIDE if is_script else _COLD_SIDE
        try:
            with self._reserved_cpus_for(group.job, run) as cpus:
                started = now()
                with self._process(group, run, "fresh", cpus) as ending:
                    record = self._write(group, run, ending, started, side)
                    cold = ending.reply

                repeat = partial(self._reply, group, run, cpus=cpus)

                if is_script:
                    unobserved = partial(repeat, isolation="fresh", observe=False)
                    return record, audits.compare_unobserved(cold, unobserved)
                group.warm_up()
                if not group.confines:
                    return record, Audit(state="undecided", sentence=audits.NOT_CONFINED)
                done = record.status == "completed"
                forked = repeat(isolation="forked", trace=False) if done else None
                return record, audits.compare(cold, forked, partial(repeat, isolation="fresh"))
        finally:
            group.run_over()

    def write_unavailable(self, job: Job, run: Run, reason: str) -> Record:
        """Record a run that cannot have a process, with the reason.

        A completed record from before stays: it is worth more than the news that its environment
        cannot be had today.
        """
        record = recording.of_unavailable(self._made_on, job, run, reason, now())
        before = self._context.store.read(record.cell, record.repeat)
        if before is None or before.status != "completed":
            self._context.store.write(record, None, None)
        self._progress.finished(record)
        return record

    def _reserved_cpus_for(self, job: Job, run: Run) -> AbstractContextManager[tuple[int, ...]]:
        count = cpus_for(run.settings, len(self._context.cpus))
        return self._reserved_cpus(run.cell, count, gpu=job.device == "gpu", repeat=run.repeat)

    @contextmanager
    def _reserved_cpus(
        self, what: str, count: int, *, gpu: bool, repeat: int = 0
    ) -> Iterator[tuple[int, ...]]:
        try:
            with (
                self._cpu_sets.gpu() if gpu else nullcontext(),
                self._cpu_sets.reserve(count) as cpus,
                self._progress.running(what, repeat),
            ):
                yield cpus
        except OSError as error:
            raise EngineError(
                f"{what}: {error.filename or 'a file'} cannot be written: {error.strerror}; "
                "make room, then start the same command again: finished runs are kept"
            ) from error

    @contextmanager
    def _process(
        self,
        group: WarmGroup,
        run: Run,
        isolation: Isolation,
        cpus: tuple[int, ...],
        *,
        observe: bool = True,
        trace: bool = True,
    ) -> Iterator[Ending]:
        if self._abandoned.is_set():
            raise AbandonedError
        lock = group.template.image.lock
        request = requests.request(
            self._context, group.job, run, lock, observe=observe, trace=trace
        )
        kept = working_folders.of_run(self._context.store.folder, group.job, run)

        def lend(output: Path) -> AbstractContextManager[None]:
            return kept.lent(run, output) if kept else nullcontext()

        way = (
            group.forked(request, cpus)
            if isolation == "forked"
            else run_processes.fresh(group.template, request, cpus, group.limits, lend)
        )
        with way as ending:
            yield ending

    def _reply(
        self,
        group: WarmGroup,
        run: Run,
        *,
        isolation: Isolation,
        cpus: tuple[int, ...],
        observe: bool = True,
        trace: bool = True,
    ) -> Reply | None:
        way = self._process(group, run, isolation, cpus, observe=observe, trace=trace)
        with way as ending:
            return ending.reply

    def _write(
        self, group: WarmGroup, run: Run, ending: Ending, started: str, audit: AuditPart
    ) -> Record:
        if self._abandoned.is_set():
            raise AbandonedError
        if ending.outcome.exit_code == exchange.DISK_FULL and _is_full(ending.folder):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(ending.folder))
        record = recording.of_ending(
            self._made_on,
            group.job,
            run,
            group.template,
            ending,
            started=started,
            audit=audit,
        )
        names = (exchange.WEIGHTS, exchange.PREDICTIONS, exchange.TRACE)
        files = [ending.folder / name for name in names]
        try:
            left = (file if os.path.lexists(file) else None for file in files)
            self._context.store.write(record, *left)
        except RecordError as error:
            if isinstance(error.__cause__, OSError):
                raise
            # The arrays are not what the reply says they are: the run is at fault, not the disk.
            record = recording.without_results(record, str(error))
            self._context.store.write(record, None, None)
        self._progress.finished(record)
        return record


def now() -> str:
    """The time in UTC, ISO format, to the second."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def _is_full(folder: Path) -> bool:
    """Whether the disk is as full as the runner says: a training could end with any status."""
    return shutil.disk_usage(folder).free < _LITTLE_BYTES
