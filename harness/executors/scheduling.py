"""Work in the order that fits the machine best, on a thread per CPU."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

Rank = tuple[int, ...]


@dataclass(frozen=True, kw_only=True, order=True)
class Work:
    """Something for a thread, and what to do with its result; the lowest `rank` comes first."""

    rank: Rank
    function: Callable[[], Any] = field(compare=False)
    after: Callable[[Any], None] = field(compare=False)


class Workers:
    """Threads for runs and imports, and one that builds.

    What follows a piece of work (`after`) is done in the thread that attends, so what only these
    functions touch needs no lock.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._runs: list[Work] = []
        self._imports: list[Work] = []
        self._at_work: set[Future[Any]] = set()
        self._waiting: dict[Future[Any], Callable[[Any], None]] = {}
        self._spare: Callable[[], Any] | None = None
        self._builder = ThreadPoolExecutor(1, thread_name_prefix="build")
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="run")

    def build(self, function: Callable[[], Any], after: Callable[[Any], None]) -> None:
        """Prepare something, one after the other, while runs go on."""
        self._waiting[self._builder.submit(function)] = after

    def run(self, work: Work) -> None:
        """Do this when a thread is free."""
        heapq.heappush(self._runs, work)

    def warm_up(self, work: Work) -> None:
        """Do this when a thread is free and there is room for another warm process."""
        heapq.heappush(self._imports, work)

    def in_spare_time(self, function: Callable[[], Any]) -> None:
        """Do this once a thread has nothing else to do and nothing is being built, if ever."""
        self._spare = function

    def attend(self, room: Callable[[], bool]) -> None:
        """Stay until all is done; `room` says whether another warm process may be started."""
        self._hand_out(room)
        while self._waiting:
            done, _ = wait(self._waiting, return_when=FIRST_COMPLETED)
            for future in done:
                self._at_work.discard(future)
                self._waiting.pop(future)(future.result())
            self._hand_out(room)

    def _hand_out(self, room: Callable[[], bool]) -> None:
        """Only as threads get free, so that what is left can still be put in order."""
        while len(self._at_work) < self._count and (work := self._next(room)) is not None:
            self._submit(work.function, work.after)
        is_building = len(self._waiting) > len(self._at_work)
        if self._spare and self._at_work and len(self._at_work) < self._count and not is_building:
            self._submit(self._spare, lambda _: None)
            self._spare = None

    def _submit(self, function: Callable[[], Any], after: Callable[[Any], None]) -> None:
        future = self._threads.submit(function)
        self._at_work.add(future)
        self._waiting[future] = after

    def _next(self, room: Callable[[], bool]) -> Work | None:
        heaps = [self._runs] if self._runs else []
        if self._imports and room():
            heaps.append(self._imports)
        return heapq.heappop(min(heaps, key=lambda heap: heap[0])) if heaps else None

    def abandon(self) -> None:
        """Start nothing more; what is under way is left to end."""
        self._builder.shutdown(wait=False, cancel_futures=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Wait for what is under way, and end the threads."""
        self._builder.shutdown(cancel_futures=True)
        self._threads.shutdown(cancel_futures=True)
