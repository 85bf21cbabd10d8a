"""What several commands need before they can start: locks, data, machine, and what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

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
from harness.results import machine
from harness.sweep import here, staging
from harness.sweep.here import Machine
from harness.sweep.planning import Wanted
from harness.sweep.processes import Limits


@dataclass(frozen=True, kw_only=True)
class Here:
    """This machine: its folder name in results, and its description."""

    id: str
    hardware: dict[str, Any]

    @property
    def limits(self) -> Machine:
        """What decides which cells can run here."""
        return Machine(
            cpus=len(self.hardware["visible_cpus"]), flags=frozenset(self.hardware["cpu_flags"])
        )


def this_machine() -> Here:
    """Describe and name the machine the program runs on."""
    hardware = machine.describe()
    return Here(id=machine.identify(hardware), hardware=hardware)


def locks_of(matrix_file: Path) -> Path:
    """The folder with a matrix file's locks: `locks` beside it."""
    return matrix_file.absolute().parent / "locks"


def lock_maker(matrix_file: Path) -> Callable[[Environment], Lock]:
    """The lock of an environment, made and announced if there is none yet."""
    folder = locks_of(matrix_file)
    return lru_cache(maxsize=None)(lambda environment: locking.ensure(environment, [folder]))


def lock_reader(matrix_file: Path) -> Callable[[Environment], Lock | None]:
    """The lock of an environment, None if there is none yet.

    Raises:
        LockError: there is one, and it is stale or malformed.
    """
    folder = locks_of(matrix_file)

    @cache
    def read(environment: Environment) -> Lock | None:
        path = locking.path_of(environment, folder)
        return locking.read(path, environment) if path.exists() else None

    return read


@cache
def data_of(workload: str) -> Prepared:
    """The prepared data set of a workload, prepared now if it was not before."""
    return preparing.prepare(catalogue.for_workload(workload))


def wanted(matrix_file: Path, *, engine: str | None, limits: Limits, prepare: bool) -> Wanted:
    """What records must agree with. Data is only prepared where `prepare` says so."""
    locks = lock_reader(matrix_file)

    def lock(environment: Environment) -> Lock | None:
        try:
            return locks(environment)
        except LockError:
            # The sweep reports it with the environment; here it only means "not the same".
            return None

    @cache
    def data(workload: str) -> str | None:
        try:
            return data_of(workload).sha256 if prepare else None
        except HarnessError:
            return None

    return Wanted(
        runner_sha256=staging.digest(),
        lock=lock,
        data_sha256=data,
        engine=engine,
        timeout=limits.timeout,
        memory=limits.memory,
    )


def settled_cells(matrix: Matrix, machine: Machine, engine: Engine | None) -> Iterator[Cell]:
    """Every cell of the matrix; those this machine cannot run are `unavailable`."""
    return map(here.settled(machine, engine), cells.cells(matrix))
