"""Jobs on this machine: environments are prepared, runs carried out, records written at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from harness.engines.protocol import Image
from harness.errors import BuildError, DataError, EngineError, HarnessError
from harness.executors import locks, requests, stored_scripts, working_folders
from harness.executors.audits import NOT_CONFINED, Audit
from harness.executors.context import Context
from harness.executors.cpu_sets import cpus_for
from harness.executors.progress import SweepProgress
from harness.executors.recording import environment_of
from harness.executors.run_processes import Isolation
from harness.executors.scheduling import Work, Workers
from harness.executors.single_runs import SingleRuns
from harness.executors.warm_groups import WarmGroup
from harness.protocol.job import DataReference, Job, Run
from harness.protocol.script import Script
from harness.results.record import AuditPart, Record
from harness.subjects import snapshots, uncontained_runs


@dataclass(kw_only=True)
class Tally:
    """What became of the runs: status by cell id and repeat, and what did not build, by id."""

    statuses: dict[tuple[str, int], str] = field(default_factory=dict)
    unbuilt: dict[str, HarnessError] = field(default_factory=dict)


_IN_ONE_FOLDER = AuditPart(
    state="not asked for", sentence="its repeats follow one another in one folder"
)
_NOT_AUDITED = Audit(state="undecided", sentence="not asked for")
_NOT_ASKED_FOR = AuditPart(state="not asked for", sentence="not asked for")
_NOT_CONFINED = AuditPart(state="not asked for", sentence=NOT_CONFINED)
_UNDECIDED = AuditPart(state="undecided", sentence="this cell decided no audit")

_Pair = tuple[str, str]
"""A lock's digest and a workload: what one audit answers for."""


class ThisMachine:
    """Carries jobs out here, and writes a record for each run, whatever its outcome.

    What becomes of the runs is counted in `tally`.
    """

    def __init__(self, context: Context, progress: SweepProgress, tally: Tally) -> None:
        self._context = context
        self._progress = progress
        self._runs = SingleRuns(context, progress)
        self._tally = tally
        self._workers = Workers(len(context.cpus))
        self._groups: dict[WarmGroup, int] = {}
        self._until_warm: dict[WarmGroup, list[tuple[WarmGroup, Run]]] = {}
        self._warm: set[WarmGroup] = set()
        self._may_fork = True
        self._until_audited: dict[_Pair, list[tuple[WarmGroup, Run]]] = {}
        self._until_observed: dict[_Pair, list[tuple[WarmGroup, Run]]] = {}
        self._followers: dict[str, list[tuple[WarmGroup, Run]]] = {}
        self._forked: dict[str, list[tuple[WarmGroup, Run]]] = {}
        self._numbers = itertools.count()

    def carry_out(self, jobs: Iterable[Job], meanwhile: Callable[[], object] | None = None) -> None:
        """Carry out every run of the jobs. May be interrupted at any time.

        `meanwhile` is called when there is time to spare, in a thread; perhaps never.

        Raises:
            EngineError: the engine failed; finished runs are recorded.
            KeyboardInterrupt: nothing is left running; finished runs are recorded.
        """
        by_lock: dict[str, list[Job]] = {}
        for job in jobs:
            by_lock.setdefault(job.lock_sha256, []).append(job)
        try:
            for its_jobs in by_lock.values():
                ready = partial(self._environment_ready, its_jobs)
                self._workers.build(partial(self._prepare, its_jobs[0]), ready)
            if meanwhile:
                self._workers.in_spare_time(meanwhile)
            self._workers.attend(self._room)
        except BaseException:
            self._abandon()
            raise
        finally:
            self._workers.close()

    def refuse(self, job: Job, error: HarnessError) -> None:
        """Record every run of a job as unavailable: its environment cannot be had."""
        self._progress.preparing(f"not prepared: {error}")
        self._tally.unbuilt[environment_of(job).id] = error
        for run in job.runs:
            self._count(self._unavailable(job, run, error))

    def _room(self) -> bool:
        """Whether another warm process fits beside those that are there."""
        return sum(group.alive for group in self._until_warm) < self._context.slots

    def _work(
        self, group: WarmGroup, run: Run, function: Callable[[], Any], after: Callable[[Any], None]
    ) -> Work:
        """Work ordered so that earlier groups end, and their processes, before others start.

        Within a group runs of as many CPUs come together: else one that needs every CPU waits for
        the others to end while CPUs stand idle.
        """
        cpus = cpus_for(run.settings, len(self._context.cpus))
        rank = (self._groups[group], cpus, next(self._numbers))
        return Work(rank=rank, function=function, after=after)

    def _warm_up(self, group: WarmGroup) -> None:
        """Import TensorFlow for the group's runs, once, while others may still train."""
        if group not in self._until_warm:
            self._until_warm[group] = []
            function = partial(self._runs.warm_up, group)
            rank = (self._groups[group], 0)
            warmed = partial(self._warmed, group)
            self._workers.warm_up(Work(rank=rank, function=function, after=warmed))

    def _warmed(self, group: WarmGroup, _: None) -> None:
        waiting, self._until_warm[group] = self._until_warm[group], []
        self._warm.add(group)
        self._heed_confinement(group)
        for each in waiting:
            self._submit(*each)

    def _heed_confinement(self, group: WarmGroup) -> None:
        """Fork no more where that is left to us and a process cannot keep its runs apart."""
        if self._may_fork and self._context.isolation == "auto" and not group.confines:
            self._may_fork = False
            self._progress.preparing(f"forking is off: {NOT_CONFINED}")

    def _abandon(self) -> None:
        self._runs.abandon()
        self._workers.abandon()
        self._context.engine.cancel()
        for group in self._groups:
            # A full disk must not keep the others from ending.
            with suppress(OSError):
                group.close()

    def _prepare(self, job: Job) -> Image | HarnessError:
        environment = environment_of(job)
        try:
            lock = locks.lock_of(job, self._context.store)
            self._progress.preparing(f"preparing {environment.id}")
            log = self._context.logs / f"{environment.id}.build.log"
            return self._context.engine.assemble(lock, log)
        except EngineError:
            # An engine that fails ends the sweep; it says nothing about the environment.
            raise
        except HarnessError as error:
            return error

    def _environment_ready(self, jobs: list[Job], assembled: Image | HarnessError) -> None:
        for job in jobs:
            if isinstance(assembled, HarnessError):
                self.refuse(job, assembled)
            else:
                self._submit_job(assembled, job)

    def _unavailable(self, job: Job, run: Run, error: HarnessError) -> Record:
        kind = "not built: " if isinstance(error, BuildError) else ""
        return self._runs.write_unavailable(job, run, kind + _in_one_line(error))

    def _submit_job(self, image: Image, job: Job) -> None:
        context = self._context
        template = requests.template(context, image, job)
        runs = [run for run in job.runs if self._can_run(job, run)]
        group = WarmGroup(job, template, len(runs), context.cpus, context.slots)
        self._groups[group] = len(self._groups)
        for run in runs:
            self._submit(group, run)

    def _can_run(self, job: Job, run: Run) -> bool:
        """Whether the run's CPUs and data set are here; else it is recorded as unavailable."""
        visible = len(self._context.cpus)
        try:
            if cpus_for(run.settings, visible) > visible:
                raise EngineError(f"more CPUs asked for than the {visible} that this machine shows")
            if run.workload in job.scripts:
                self._require_script(job.scripts[run.workload], run)
            else:
                self._require_data(job.data[run.workload])
        except HarnessError as error:
            self._count(self._unavailable(job, run, error))
            return False
        return True

    def _require_script(self, script: Script, run: Run) -> None:
        """Make sure that the script's files are here, and will lie with the results."""
        _require_files(script)
        stored_scripts.store(self._context.store, script)
        if not self._context.engine.contains:
            uncontained_runs.note(script, run.settings)

    def _require_data(self, reference: DataReference) -> None:
        prepared = self._context.data(reference.name)
        if prepared.sha256 != reference.sha256:
            raise DataError(
                f"{reference.name}: the job was made for other data"
                f" ({reference.sha256[:8]}…, here {prepared.sha256[:8]}…)"
            )

    def _submit(self, group: WarmGroup, run: Run) -> None:
        """Start the run as the policy says; hold it back where an audit must come first."""
        if run.workload in group.job.scripts:
            self._submit_script(group, run)
            return
        if self._context.isolation != "auto":
            self._start(group, run, self._context.isolation, _NOT_ASKED_FOR)
            return
        if not self._may_fork:
            self._start(group, run, "fresh", _NOT_CONFINED)
            return
        pair = _pair(group, run)
        audit = self._context.audits.lookup(*pair)
        if audit is not None:
            isolation: Isolation = "forked" if audit.state == "passed" else "fresh"
            part = AuditPart(state=audit.state, sentence=audit.sentence)
            self._start(group, run, isolation, part)
        elif pair in self._until_audited:
            self._until_audited[pair].append((group, run))
        else:
            self._until_audited[pair] = []
            self._audit(group, run)

    def _submit_script(self, group: WarmGroup, run: Run) -> None:
        """A user's script gets a process of its own; the first run waits for nothing."""
        if group.job.scripts[run.workload].keeps_folder:
            self._submit_follower(group, run)
            return
        lock_sha256 = group.job.lock_sha256
        sha256 = group.job.scripts[run.workload].training_sha256
        wanted = self._context.isolation == "auto"
        audit = self._context.audits.of_script(lock_sha256, sha256) if wanted else _NOT_AUDITED
        waiting = self._until_observed.get((lock_sha256, sha256))
        if audit is not None:
            part = AuditPart(state=audit.state, sentence=audit.sentence)
            observe = audit.state != "failed"
            function = partial(self._runs.carry_out, group, run, "fresh", part, observe=observe)
            self._workers.run(self._work(group, run, function, self._count))
        elif waiting is not None:
            waiting.append((group, run))
        else:
            self._until_observed[lock_sha256, sha256] = []
            after = partial(self._observed, group, run, sha256)
            both = partial(self._runs.carry_out_audited, group, run)
            self._workers.run(self._work(group, run, both, after))

    def _submit_follower(self, group: WarmGroup, run: Run) -> None:
        """The repeats of a cell that share a working folder run one after the other."""
        if run.cell in self._followers:
            self._followers[run.cell].append((group, run))
            return
        self._followers[run.cell] = []
        kept = working_folders.of_run(self._context.store.folder, group.job, run)
        try:
            if kept is not None:
                kept.require(run)
        except DataError as error:
            group.run_over()
            self._follow(self._unavailable(group.job, run, error))
            return
        function = partial(self._runs.carry_out, group, run, "fresh", _IN_ONE_FOLDER)
        self._workers.run(self._work(group, run, function, self._follow))

    def _follow(self, record: Record) -> None:
        """A run that shares its folder is over: the next repeat of its cell starts."""
        self._count(record)
        for each in self._followers.pop(record.cell):
            self._submit_follower(*each)

    def _observed(
        self, group: WarmGroup, run: Run, sha256: str, result: tuple[Record, Audit]
    ) -> None:
        """Whether observing a script leaves it alone is decided: the runs that waited start."""
        record, audit = result
        self._count(record)
        lock_sha256 = group.job.lock_sha256
        self._context.audits.remember_of_script(lock_sha256, sha256, audit)
        if audit.state == "failed":
            self._progress.preparing(f"{record.settings['workload']}: {audit.sentence}")
            # Its repeats are not observed: it is done again as they are.
            self._submit_script(self._another_group(group), run)
        for each in self._until_observed.pop((lock_sha256, sha256)):
            self._submit_script(*each)

    def _start(self, group: WarmGroup, run: Run, isolation: Isolation, audit: AuditPart) -> None:
        trace = audit.state != "failed"
        function = partial(self._runs.carry_out, group, run, isolation, audit, trace=trace)
        if isolation == "fresh":
            self._workers.run(self._work(group, run, function, self._count))
            return
        self._warm_up(group)
        if group in self._warm:
            after = partial(self._forked_over, group, run)
            self._workers.run(self._work(group, run, function, after))
        else:
            self._until_warm[group].append((group, run))

    def _forked_over(self, group: WarmGroup, run: Run, record: Record) -> None:
        """A forked run is over; it is done again cold if an audit has failed meanwhile."""
        self._count(record)
        lock_sha256, workload = _pair(group, run)
        self._forked.setdefault(lock_sha256, []).append((group, run))
        audit = self._context.audits.lookup(lock_sha256, workload)
        if self._context.isolation == "auto" and audit is not None and audit.state == "failed":
            self._redo_forked(lock_sha256)

    def _audit(self, group: WarmGroup, run: Run) -> None:
        function = partial(self._runs.carry_out_audited, group, run)
        self._warm_up(group)
        self._workers.run(self._work(group, run, function, partial(self._audited, group, run)))

    def _audited(self, group: WarmGroup, run: Run, result: tuple[Record, Audit]) -> None:
        record, audit = result
        self._count(record)
        pair = _pair(group, run)
        self._context.audits.remember(*pair, audit)
        waiting = self._until_audited.pop(pair)
        self._heed_confinement(group)
        if audit.state == "undecided" and self._may_fork:
            self._try_another(pair, run, waiting)
            return
        if audit.state == "failed":
            self._progress.preparing(
                f"forking and traces are off for {environment_of(group.job).id}: {audit.sentence}"
            )
            # Its own record may be what tracing made of it.
            self._forked.setdefault(pair[0], []).append((group, run))
            self._redo_forked(pair[0])
        for each in waiting:
            self._submit(*each)

    def _try_another(self, pair: _Pair, tried: Run, waiting: list[tuple[WarmGroup, Run]]) -> None:
        """Audit a run of another cell next, if there is one; the tried cell's repeats go cold."""
        others = [(g, r) for g, r in waiting if r.cell != tried.cell]
        for group, run in waiting:
            if run.cell == tried.cell:
                self._start(group, run, "fresh", _UNDECIDED)
        if others:
            self._until_audited[pair] = others[1:]
            self._audit(*others[0])

    def _redo_forked(self, lock_sha256: str) -> None:
        for group, run in self._forked.pop(lock_sha256, []):
            self._submit(self._another_group(group), run)

    def _another_group(self, group: WarmGroup) -> WarmGroup:
        """A group like this one, for one run that is done again."""
        again = WarmGroup(group.job, group.template, 1, self._context.cpus, 1)
        self._groups[again] = len(self._groups)
        return again

    def _count(self, record: Record) -> None:
        self._tally.statuses[record.cell, record.repeat] = record.status


def _require_files(script: Script) -> None:
    """Raise a `DataError` unless the script's files are here."""
    wanted = [snapshots.folder_of(script), *map(snapshots.file_of, script.data)]
    missing = next((path for path in wanted if not path.exists()), None)
    if missing is not None:
        raise DataError(
            f"{script.name}: this machine does not have its files ({missing.name[:8]}…)"
        )


def _pair(group: WarmGroup, run: Run) -> _Pair:
    return group.job.lock_sha256, run.workload


def _in_one_line(error: HarnessError) -> str:
    """The first line of an error, with the last cause under it where it only announces one."""
    first, _, below = str(error).partition("\n")
    if not first.endswith(":") or not below.strip():
        return first
    lines = [line.strip() for line in below.splitlines() if line.strip()]
    causes = [line for line in lines if line.startswith("cause: ")] or lines[:1]
    return f"{first} {causes[-1].removeprefix('cause: ').removeprefix('error: ')}"
