"""Disjoint sets of CPUs for runs that share the machine, handed out first come, first served."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from harness.protocol.job import Json


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


def cpus_for(settings: Mapping[str, Json], visible: int) -> int:
    """How many CPUs a run gets: those it asks for, else one per thread, else all there are."""
    asked, threads = settings["cpus"], settings["threads"]
    if isinstance(asked, int):
        return asked
    return min(threads, visible) if isinstance(threads, int) else visible
