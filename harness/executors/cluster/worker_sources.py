"""Where the workers of a cluster come from, and how long to wait for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Protocol

from harness import console
from harness.errors import EngineError
from harness.executors.cluster.connection import Connection
from harness.executors.cluster.identity import WorkerInfo

_WORKERS_SECONDS = 30.0
_LOOK_SECONDS = 0.5


class WorkerSource(Protocol):
    """Who starts workers. `present` are always the names of the workers that there are now."""

    def keep_up(self, present: Collection[str]) -> None:
        """There is work that nobody has: see that there are workers for it. Called often.

        Raises:
            EngineError: none can be started.
        """

    def progressed(self) -> None:
        """A run is over: workers do get to something."""

    def awaits(self, present: Collection[str]) -> bool:
        """Whether a worker is on its way that is worth waiting for before work is placed.

        Raises:
            EngineError: there is none, and none will come.
        """


class StartedByOthers:
    """Workers that people start: a while is waited for the first one."""

    def __init__(self) -> None:
        self._since: float | None = None

    def keep_up(self, present: Collection[str]) -> None:
        """Nothing: nobody here starts workers."""

    def progressed(self) -> None:
        """Nothing likewise."""

    def awaits(self, present: Collection[str]) -> bool:
        """See `WorkerSource.awaits`."""
        if present:
            self._since = None
            return False
        if self._since is None:
            self._since = time.monotonic()
            console.note("waiting for a worker")
        if time.monotonic() - self._since > _WORKERS_SECONDS:
            raise EngineError(
                "no worker of this cluster fits; start one with harness worker ADDRESS"
            )
        return True


def waited_for(
    connection: Connection, source: WorkerSource, fits: Callable[[WorkerInfo], bool]
) -> list[WorkerInfo]:
    """The workers that fit, once there are some and no more are worth waiting for.

    Raises:
        EngineError: there is none, and none will come.
    """
    while True:
        workers = [one for one in connection.workers().values() if fits(one)]
        if not source.awaits({one.name for one in workers}):
            return sorted(workers, key=lambda one: (one.machine, one.address))
        time.sleep(_LOOK_SECONDS)
