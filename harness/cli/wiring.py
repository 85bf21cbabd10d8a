"""What several commands need before they start: locks, data, this machine, valid records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness import places
from harness.datasets import catalogue, preparing
from harness.datasets.prepared import Prepared
from harness.engines.protocol import Engine
from harness.environments import locking
from harness.environments.lock import Lock
from harness.errors import HarnessError, LockError
from harness.matrix import cells
from harness.matrix.cells import Cell
from harness.matrix.environment import Environment
from harness.matrix.matrix import Matrix
from harness.results import durable, locks, machine
from harness.results.store import Store
from harness.sweep import here, staging
from harness.sweep.audit import Audits
from harness.sweep.here import Machine
from harness.sweep.planning import Wanted
from harness.sweep.processes import Limits
from harness.upkeep.reuse import Known


@dataclass(frozen=True, kw_only=True)
class ThisMachine:
    """This machine: its folder name in results, and its description."""

    id: str
    hardware: dict[str, Any]

    @property
    def limits(self) -> Machine:
        """What decides which cells can run here."""
        return Machine(
            cpus=len(self.hardware["visible_cpus"]), flags=frozenset(self.hardware["cpu_flags"])
        )


def this_machine() -> ThisMachine:
    """Describe and name the machine the program runs on."""
    hardware = machine.describe()
    return ThisMachine(id=machine.identify(hardware), hardware=hardware)


def locks_of(matrix_file: Path) -> Path:
    """The folder with a matrix file's locks: `locks` beside it."""
    return matrix_file.absolute().parent / "locks"


def lock_maker(matrix_file: Path) -> Callable[[Environment], Lock]:
    """The lock of an environment, made and announced if there is none yet."""
    folders = _lock_folders(matrix_file)
    return cache(lambda environment: locking.ensure(environment, folders))


def lock_reader(matrix_file: Path) -> Callable[[Environment], Lock | None]:
    """The lock of an environment, None if there is none yet.

    Raises:
        LockError: there is one, and it is stale or malformed.
    """
    folders = _lock_folders(matrix_file)

    @cache
    def read(environment: Environment) -> Lock | None:
        paths = (locking.path_of(environment, folder) for folder in folders)
        path = next((path for path in paths if path.exists()), None)
        return None if path is None else locking.read(path, environment)

    return read


def _lock_folders(matrix_file: Path) -> tuple[Path, ...]:
    """The folder of the matrix file's own locks, then that of the shipped ones."""
    return locks_of(matrix_file), places.locks()


def with_copies(
    lock_of: Callable[[Environment], Lock], store: Store
) -> Callable[[Environment], Lock]:
    """The same locks, each also copied beside the results, whose records name it by digest only."""
    folder = locks.folder_of(store.folder.parent)

    def keep(environment: Environment) -> Lock:
        lock = lock_of(environment)
        partial = store.folder / durable.PARTIAL
        locks.keep(lock.path, environment.id, folder, partial=partial)
        return lock

    return keep


def or_error(
    read: Callable[[Environment], Lock | None],
) -> Callable[[Environment], Lock | LockError | None]:
    """The same reader, which returns what is wrong with a lock instead of raising it."""

    @cache
    def lock(environment: Environment) -> Lock | LockError | None:
        try:
            return read(environment)
        except LockError as error:
            return error

    return lock


_DATA: dict[str, Prepared | HarnessError] = {}


def data_of(workload: str) -> Prepared:
    """The prepared data set of a workload, prepared when first asked for.

    Raises:
        HarnessError: it cannot be had; asked again, it says so at once.
    """
    name = catalogue.for_workload(workload)
    if name not in _DATA:
        try:
            _DATA[name] = preparing.prepare(name)
        except HarnessError as error:
            _DATA[name] = error
    prepared = _DATA[name]
    if isinstance(prepared, HarnessError):
        raise prepared
    return prepared


def wanted(
    read: Callable[[Environment], Lock | None],
    machine: ThisMachine,
    *,
    engine: str | None,
    running: Engine,
    audited: bool,
    limits: Limits,
) -> Wanted:
    """What records must agree with; nothing is made or fetched for it.

    `read` gives an environment's lock, None where there is none yet, or raises a `LockError`.
    `engine` is the one asked for by name, `running` the one that would run. `audited` says that a
    failed audit counts against forked runs.
    """
    runner_sha256 = staging.digest()

    @cache
    def base(environment: Environment, recorded: str) -> str | None:
        # A record of the other engine stands on a base that this one knows nothing about.
        return running.base(environment) if recorded == running.name else None

    @cache
    def distrusted(lock_sha256: str, engine: str) -> str | None:
        audits = Audits(runner_sha256=runner_sha256, engine=engine, machine=machine.id)
        failed = audits.failed(lock_sha256) if audited else None
        return f"forked runs are not believed here: {failed.sentence}" if failed else None

    return Wanted(
        runner_sha256=runner_sha256,
        lock=or_error(read),
        base=base,
        data_sha256=lambda workload: catalogue.get(catalogue.for_workload(workload)).sha256,
        engine=engine,
        distrusted=distrusted,
        timeout=limits.timeout,
        memory=limits.memory,
    )


def reuse_sources(running: Engine, machine: ThisMachine, wanted: Wanted) -> Known:
    """Who is asked about what is reused of an environment."""
    audits = Audits(runner_sha256=wanted.runner_sha256, engine=running.name, machine=machine.id)
    return Known(engine=running, lock=wanted.lock, audit=audits.known)


def settled_cells(
    matrix: Matrix, machine: Machine, unavailable: Callable[[str], str | None]
) -> Iterator[Cell]:
    """Every cell of the matrix; those this machine cannot run are `unavailable`."""
    return map(here.settled(machine, unavailable), cells.cells(matrix))
