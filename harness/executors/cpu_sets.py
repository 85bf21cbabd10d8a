"""Disjoint sets of CPUs for runs that share the machine, handed out first come, first served."""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import IO

from harness.protocol.job import Json

_POLL_SECONDS = 0.02


class CpuSets:
    """Hands out CPUs so that no two runs share one.

    At most `slots` runs have some at the same time, however small their sets (the memory budget).
    Waiters are served in the order they came, so a run that needs every CPU is not starved.
    """

    def __init__(self, cpus: tuple[int, ...], slots: int) -> None:
        self._free = sorted(cpus)
        self._count = len(cpus)
        self._slots = max(1, slots)
        self._turn = threading.Lock()
        self._changed = threading.Condition()
        self._gpu = threading.Lock()

    def gpu(self) -> AbstractContextManager[object]:
        """Within the block nobody else has the GPU: TensorFlow takes all of its memory."""
        return self._gpu

    @contextmanager
    def reserve(self, count: int) -> Iterator[tuple[int, ...]]:
        """Wait for `count` free CPUs and have them within the `with` block.

        Raises:
            ValueError: there are not so many.
        """
        if count > self._count:
            raise ValueError(f"{count} CPUs asked for, and there are {self._count}")
        with self._turn, self._changed:
            self._changed.wait_for(lambda: len(self._free) >= count and self._slots > 0)
            taken, self._free = tuple(self._free[:count]), self._free[count:]
            self._slots -= 1
        try:
            yield taken
        finally:
            with self._changed:
                self._free = sorted([*self._free, *taken])
                self._slots += 1
                self._changed.notify_all()


class AbandonedError(Exception):
    """The sweep is being interrupted; the run that raises this leaves no record."""


class SharedCpuSets:
    """The same for several processes on one machine, which share the locks in `folder`.

    A lock ends with the process that has it, however that ends. Who waits is not served in order,
    but one at a time, so a run that needs every CPU is not starved by smaller ones. Once
    `abandoned` is set, waiting ends with an `AbandonedError`.
    """

    def __init__(
        self, cpus: tuple[int, ...], slots: int, folder: Path, abandoned: threading.Event
    ) -> None:
        self._cpus = {f"cpu-{number}": number for number in cpus}
        self._slots = [f"slot-{number}" for number in range(max(1, slots))]
        self._folder = folder
        self._abandoned = abandoned

    @contextmanager
    def reserve(self, count: int) -> Iterator[tuple[int, ...]]:
        """Wait for `count` free CPUs and have them within the `with` block.

        Raises:
            ValueError: there are not so many.
        """
        if count > len(self._cpus):
            raise ValueError(f"{count} CPUs asked for, and there are {len(self._cpus)}")
        with ExitStack() as locks:
            # Who has the turn may keep what it has while it waits for more.
            with self._one_of(["turn"]):
                locks.enter_context(self._one_of(self._slots))
                taken = [locks.enter_context(self._one_of(list(self._cpus))) for _ in range(count)]
            yield tuple(sorted(self._cpus[name] for name in taken))

    def gpu(self) -> AbstractContextManager[object]:
        """Within the block nobody else has the GPU: TensorFlow takes all of its memory."""
        return self._one_of(["gpu"])

    @contextmanager
    def _one_of(self, names: list[str]) -> Iterator[str]:
        """Wait until one of the locks is free, and have it within the `with` block; its name."""
        while not self._abandoned.is_set():
            for name in names:
                with (self._folder / name).open("a") as file:
                    if _locked(file):
                        yield name
                        return
            time.sleep(_POLL_SECONDS)
        raise AbandonedError


def _locked(file: IO[str]) -> bool:
    """Whether the file was free and is locked now, until it is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def cpus_for(settings: Mapping[str, Json], visible: int) -> int:
    """How many CPUs a run gets: those it asks for, else one per thread, else all there are."""
    asked, threads = settings["cpus"], settings["threads"]
    if isinstance(asked, int):
        return asked
    return min(threads, visible) if isinstance(threads, int) else visible
