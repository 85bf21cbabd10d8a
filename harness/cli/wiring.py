"""What several commands need before they can start: locks, data, machine, and what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
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
from harness.executors.audits import Audits
from harness.executors.code_identity import code_sha256
from harness.executors.run_processes import Limits
from harness.matrix import cells
from harness.matrix.cells import Cell
from harness.matrix.environment import Environment
from harness.matrix.matrix import Matrix
from harness.protocol.job import DataReference
from harness.protocol.script import Script
from harness.results import fingerprint, machine, vouchers
from harness.results.store import Store
from harness.results.vouchers import Vouchers
from harness.sweep import machine_limits
from harness.sweep.machine_limits import Machine
from harness.sweep.planning import Wanted
from harness.upkeep.reuse import Lookup


@dataclass(frozen=True, kw_only=True)
class LocalMachine:
    """This machine: its folder name in results, and its description."""

    id: str
    hardware: dict[str, Any]

    @property
    def limits(self) -> Machine:
        """What decides which cells can run here."""
        return Machine(
            cpus=len(self.hardware["visible_cpus"]), flags=frozenset(self.hardware["cpu_flags"])
        )


def this_machine() -> LocalMachine:
    """Describe and name the machine the program runs on."""
    hardware = machine.describe()
    return LocalMachine(id=fingerprint.identify(hardware), hardware=hardware)


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


def data_set(name: str) -> Prepared:
    """A prepared data set, prepared when first asked for.

    Raises:
        HarnessError: it cannot be had; asked again, it says so at once.
    """
    if name not in _DATA:
        try:
            _DATA[name] = preparing.prepare(name)
        except HarnessError as error:
            _DATA[name] = error
    prepared = _DATA[name]
    if isinstance(prepared, HarnessError):
        raise prepared
    return prepared


def data_reference(workload: str) -> DataReference:
    """The data set that a workload trains on, as jobs name it."""
    entry = catalogue.get(catalogue.for_workload(workload))
    return DataReference(name=entry.name, sha256=entry.sha256)


def audits(engine: str, machine: LocalMachine) -> Audits:
    """What is remembered about forking with the code of today."""
    axes = tuple(cells.DEFAULTS)
    return Audits(
        code=lambda workload: code_sha256(workload, axes), engine=engine, machine=machine.id
    )


def wanted(
    read: Callable[[Environment], Lock | None],
    machine: LocalMachine | None,
    *,
    engine: str | None,
    running: Engine | None,
    audited: bool,
    limits: Limits,
    store: Store,
    scripts: Mapping[str, Script],
) -> Wanted:
    """What records must agree with; nothing is made or fetched for it.

    `read` gives an environment's lock, None where there is none yet, or raises a `LockError`.
    `engine` is the one asked for by name, `running` the one that would run on `machine`; they are
    None where other machines run, which know for themselves. `audited` says that a
    failed audit counts against forked runs. Vouchers are those in `store`, `scripts` the users'
    scripts by workload.
    """

    @cache
    def base(environment: Environment, recorded: str) -> str | None:
        # A record of the other engine stands on a base that this one knows nothing about.
        return running.base(environment) if running and recorded == running.name else None

    @cache
    def distrusted(lock_sha256: str, engine: str) -> str | None:
        failed = audits(engine, machine).failed(lock_sha256) if audited and machine else None
        return f"forked runs are not believed here: {failed.sentence}" if failed else None

    return Wanted(
        code=_code_sha256,
        vouchers=Vouchers(vouchers.read(store.folder)),
        scripts=scripts,
        lock=or_error(read),
        base=base,
        data_sha256=lambda workload: data_reference(workload).sha256,
        engine=engine,
        distrusted=distrusted,
        timeout=limits.timeout,
        memory=limits.memory,
    )


def _code_sha256(workload: str, axes: Iterable[str]) -> str:
    return _code_of(workload, tuple(sorted(axes)))


@cache
def _code_of(workload: str, axes: tuple[str, ...]) -> str:
    return code_sha256(workload, axes)


def lookup(running: Engine, machine: LocalMachine, wanted: Wanted) -> Lookup:
    """Where to look up what is reused of an environment."""
    return Lookup(engine=running, lock=wanted.lock, audit=audits(running.name, machine).lookup)


def settled_cells(
    matrix: Matrix, machine: Machine, unavailable: Callable[[str], str | None]
) -> Iterator[Cell]:
    """Every cell of the matrix; those this machine cannot run are `unavailable`."""
    return map(machine_limits.settled(machine, unavailable), cells.cells(matrix))
