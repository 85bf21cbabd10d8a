"""The warm process that the runs of a job share."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from harness.executors.cpu_sets import AbandonedError
from harness.executors.run_processes import (
    Ending,
    Limits,
    ProcessTemplate,
    WarmProcess,
)
from harness.protocol.job import Job


class WarmGroup:
    """The warm process of a job: started when first needed, ended after its last run.

    `runs` is how many runs will ask for it, `cpus` all that its children may be given, `slots` how
    many of them may run at the same time.
    """

    def __init__(
        self, job: Job, template: ProcessTemplate, runs: int, cpus: tuple[int, ...], slots: int
    ) -> None:
        self.job = job
        self.template = template
        self.limits = Limits(timeout=job.timeout_s, memory=job.memory_bytes)
        self.confines = True
        """Whether its process keeps its runs from each other's files; said once it is ready."""
        self._left = self._runs = runs
        self._closed = False
        self._cpus, self._slots = cpus, slots
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
                    self.template,
                    self._cpus,
                    self.limits,
                    runs=self._runs,
                    slots=self._slots,
                )
            return self._process

    @property
    def alive(self) -> bool:
        """Whether its process is there now."""
        process = self._process
        return process is not None and process.alive

    def warm_up(self) -> None:
        """Start the process and stay until it has imported, or has ended without it."""
        self._ready()

    @contextmanager
    def forked(self, request: Mapping[str, Any], cpus: tuple[int, ...]) -> Iterator[Ending]:
        """One run in a child of the group's process."""
        with self._ready().forked(request, cpus) as ending:
            yield ending

    def _ready(self) -> WarmProcess:
        process = self.start()
        process.wait_ready()
        self.confines = process.confines
        return process

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
