"""Runs grouped by what must be set before the process starts; each group shares a warm process."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from harness.matrix.cells import Cell
from harness.protocol.axes import Value, process_variables
from harness.sweep.processes import AbandonedError, Ending, Limits, Place, WarmProcess
from harness.sweep.recording import Run

GroupKey = tuple[Any, ...]


def key_of(cell: Cell) -> GroupKey:
    """Equal for cells whose runs may share one process."""
    return (cell.environment, *sorted(variables_of(cell).items()))


def variables_of(cell: Cell) -> dict[str, str]:
    """What is set in the environment of the cell's process before it starts."""
    settings: Mapping[str, Value] = cell.settings
    return process_variables(settings)


def grouped(runs: Iterable[Run]) -> dict[GroupKey, list[Run]]:
    """The runs by group, groups and runs in the order they came."""
    found: dict[GroupKey, list[Run]] = {}
    for run in runs:
        found.setdefault(key_of(run.cell), []).append(run)
    return found


class Group:
    """The warm process of one group: started when first needed, ended after its last run.

    `runs` is how many runs will ask for it, `cpus` all that its children may be given.
    """

    def __init__(
        self, place: Place, runs: int, cpus: tuple[int, ...], limits: Limits, holders: int
    ) -> None:
        self.place = place
        self._left = self._runs = runs
        self._closed = False
        self._cpus, self._limits, self._holders = cpus, limits, holders
        self._process: WarmProcess | None = None
        self._lock = threading.Lock()

    def start(self) -> WarmProcess:
        """The living process, started if there is none.

        Raises:
            AbandonedError: the group was closed.
        """
        with self._lock:
            if self._closed:
                raise AbandonedError
            if self._process is None or not self._process.alive:
                if self._process is not None:
                    self._process.close()
                self._process = WarmProcess(
                    self.place,
                    self._cpus,
                    self._limits,
                    runs=self._runs,
                    holders=self._holders,
                )
            return self._process

    @property
    def alive(self) -> bool:
        """Whether its process is there now."""
        process = self._process
        return process is not None and process.alive

    def warm_up(self) -> None:
        """Start the process and stay until it has imported, or has ended without it."""
        self.start().wait_ready()

    @contextmanager
    def forked(self, request: Mapping[str, Any], cpus: tuple[int, ...]) -> Iterator[Ending]:
        """One run in a child of the group's process."""
        process = self.start()
        process.wait_ready()
        with process.forked(request, cpus) as ending:
            yield ending

    def run_over(self) -> None:
        """One of the group's runs is over; after the last one its process ends."""
        with self._lock:
            self._left -= 1
            last = self._left <= 0
        if last:
            self.close()

    def close(self) -> None:
        """End the process, if there is one, and start no other."""
        with self._lock:
            process, self._process = self._process, None
            self._closed = True
        if process is not None:
            process.close()
