"""Cells that a study asks for, run as records of an ordinary sweep, or found recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from harness import console, places
from harness.cli import sweeps, wiring
from harness.cli.sweeps import LockSource, Setting
from harness.engines.protocol import Engine
from harness.environments import locking
from harness.environments.lock import Lock
from harness.errors import LockError, UsageError
from harness.matrix.cells import Cell
from harness.matrix.environment import Environment
from harness.protocol.script import Script
from harness.results import blobs, scan
from harness.results.record import Record
from harness.results.scan import SweepFolder
from harness.results.store import Store
from harness.studies import foreign_locks, one_bit
from harness.studies.hybrid_table import Row
from harness.studies.named_cells import Side
from harness.sweep import machine_limits, planning
from harness.sweep.planning import Wanted

_MATRIX_FILE = Path("why.yaml")
"""Would lie in the current folder: locks are read and made in `locks` beside it."""


class CellExperiment:
    """Runs of cells that no matrix names, in a sweep of their own below `results`.

    Records of this machine in `sources` answer first, as far as those of a sweep would. `locks`
    are those of the environments that records name, `scripts` the users' scripts by workload.
    """

    def __init__(
        self,
        setting: Setting,
        *,
        results: Path,
        name: str,
        repeats: int,
        command: str,
        locks: Mapping[Environment, Lock],
        scripts: Mapping[str, Script],
        sources: Iterable[SweepFolder],
    ) -> None:
        self.store = Store(results, name, setting.machine.id)
        self._setting = setting
        self._matrix = sweeps.chosen_cells(name, repeats, command)
        self._locks = lock_source(locks)
        self._scripts = scripts
        self._planned: dict[str, Cell] = {}
        self._records: dict[tuple[str, int], list[Record]] = {}
        # Both sides may name one folder: each record counts once.
        others = {each.folder.resolve(): each for each in sources}
        others.pop(self.store.folder.resolve(), None)
        self._sources = [
            _Source(folder, self._wanted)
            for folder, each in others.items()
            if each.machine == setting.machine.id
        ]
        self.settled: Callable[[Cell], Cell] = machine_limits.settled(
            setting.machine.limits, lambda device: setting.engine.unavailable(device=device)
        )

    @property
    def folders(self) -> list[Path]:
        """The sweep folders in which its records lie."""
        return [self.store.folder, *(source.folder for source in self._sources)]

    def records(self, cell: Cell, runs: int) -> list[Record]:
        """The records of so many runs of a cell; none where it cannot run here."""
        self.prepare([cell], runs)
        return self._records.get((cell.id, runs), [])

    def unverified(self, rows: Iterable[Row]) -> list[str]:
        """Why weights that were found equal are not verified to be; none where all are."""
        every = dict.fromkeys(sha256 for row in rows for sha256 in row.hybrid.weights)
        return list(filter(None, (one_bit.of_weights(self.folders, each) for each in every)))

    def with_trace(self, record: Record) -> Path:
        """The sweep folder beside which the trace of a record lies; its own sweep's without one."""
        sha256 = record.measured.trace_sha256 if record.measured else ""
        stored = (
            folder
            for folder in self.folders
            if sha256 and blobs.path_of(blobs.folder_of(folder), blobs.TRACES, sha256).exists()
        )
        return next(stored, self.store.folder)

    def prepare(self, cells: Sequence[Cell], runs: int) -> None:
        """Have the records of several cells, run beside one another where they may be."""
        asked = [
            cell
            for cell in cells
            if self.settled(cell).status is None and (cell.id, runs) not in self._records
        ]
        known = {cell.id: self._recorded(cell, runs) for cell in asked}
        for missing in sorted({runs - len(records) for records in known.values()} - {0}):
            self._run([cell for cell in asked if runs - len(known[cell.id]) == missing], missing)
        for cell in asked:
            own = range(1, runs - len(known[cell.id]) + 1)
            made = (self.store.read(cell.id, repeat) for repeat in own)
            together = [*known[cell.id], *(record for record in made if record is not None)]
            self._records[cell.id, runs] = together

    def answered(self, cell: Cell, runs: int) -> int:
        """For how many of so many runs there are records already."""
        own = _Source(self.store.folder, self._wanted).answering(cell)
        return min(runs, len(self._recorded(cell, runs)) + len(own))

    def is_ready(self, environment: Environment) -> bool:
        """Whether nothing has to be made before cells of this environment can run."""
        try:
            lock = self._locks.read(environment)
        except LockError:
            return False
        return lock is not None and not isinstance(self._setting.engine.existing(lock), str)

    def resolves(self, environment: Environment) -> bool:
        """Whether there is a set of packages for this environment."""
        try:
            known = self._locks.read(environment) is not None
        except LockError:
            known = False
        return known or locking.can_be_made(environment)

    def _recorded(self, cell: Cell, runs: int) -> list[Record]:
        found = (record for source in self._sources for record in source.answering(cell))
        return [record for record, _ in zip(found, range(runs), strict=False)]

    def _run(self, cells: Sequence[Cell], repeats: int) -> None:
        self._planned |= {cell.id: cell for cell in cells}
        sweeps.carry_out(
            self._setting,
            self.store,
            self._matrix,
            self._locks,
            planned=self._planned.values(),
            selected=cells,
            scripts=self._scripts,
            repeats=repeats,
        )

    def _wanted(self, store: Store) -> Wanted:
        setting = self._setting
        return wiring.wanted(
            self._locks.read,
            setting.machine,
            engine=setting.named,
            running=setting.engine,
            audited=setting.isolation == "auto",
            limits=setting.limits,
            store=store,
            scripts=self._scripts,
        )


class _Source:
    """Another sweep of this machine; what it holds may be anybody's."""

    def __init__(self, folder: Path, wanted: Callable[[Store], Wanted]) -> None:
        place = folder.resolve()
        self._store = Store(place.parent.parent, place.parent.name, place.name)
        self._wanted = cache(lambda: wanted(self._store))

    @property
    def folder(self) -> Path:
        """Its sweep folder."""
        return self._store.folder

    def answering(self, cell: Cell) -> list[Record]:
        """The records that answer for runs of this cell with the code of today."""
        folder = self._store.folder / cell.id
        repeats = scan.repeats_in(folder)[0] if folder.is_dir() else []
        if not repeats:
            return []
        steps = planning.steps(
            [cell], max(repeats), self._wanted(), self._store.read, vouching=False
        )
        done = (self._store.read(cell.id, step.repeat) for step in steps if step.action == "done")
        return [record for record in done if record is not None]


def lock_source(recorded: Mapping[Environment, Lock]) -> LockSource:
    """These locks, and for other environments those of a matrix in the current folder."""
    reader, maker = wiring.lock_reader(_MATRIX_FILE), wiring.lock_maker(_MATRIX_FILE)
    return LockSource(
        read=lambda environment: recorded.get(environment) or reader(environment),
        make=lambda environment: recorded.get(environment) or maker(environment),
    )


def recorded_locks(
    sides: Sequence[Side],
    environments: Sequence[Environment],
    own: Sequence[Path],
    engine: Engine,
    *,
    trusted: bool = False,
) -> dict[Environment, Lock]:
    """The lock that each side's record names, by its environment; the first one counts.

    Raises:
        UsageError: a lock came with the results, was never used here, is not `trusted`, and the
            engine does not contain what it would install.
    """
    # Two folders may have a matrix of one name.
    folders = {str(side.sweep.folder.parent): side.sweep.folder.parent for side in sides}
    known = foreign_locks.gathered(
        folders, own=[*own, wiring.locks_of(_MATRIX_FILE), places.locks()]
    )
    locks: dict[Environment, Lock] = {}
    for side, environment in zip(sides, environments, strict=True):
        sha256 = side.records[0].environment.lock_sha256
        try:
            lock = known.get(str(side.sweep.folder.parent), sha256, environment)
        except LockError as error:
            console.note(f"{side.cell}: {error}; the lock of today is taken")
            continue
        shut_in = trusted or engine.contains
        if not (shut_in or known.is_own(sha256) or _was_used(engine, lock)):
            raise UsageError(
                f"{side.cell}: its packages ({lock.path.name}) come with the results, and you did "
                "not choose them; the local engine would run them as you, with your files in "
                f"reach. Take --engine docker, or, if you trust who made them, --locks "
                f"{lock.path.parent}"
            )
        if locks.setdefault(environment, lock).sha256 != lock.sha256:
            console.note(f"{side.cell}: the lock of the other cell is taken for both")
    return locks


def _was_used(engine: Engine, lock: Lock) -> bool:
    return not isinstance(engine.existing(lock), str)
