"""What happens to a job, told line by line to the program that started this one."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from harness.executors.cpu_sets import AbandonedError
from harness.executors.progress import SweepProgress
from harness.results.record import Record
from harness.results.store import Store

PREPARING, STARTED, FINISHED = EVENTS = "preparing", "started", "finished"

_CHUNK = 4096
_ALL = 1 << 16
"""More than the runs that can wait at a time."""


class PrintedEvents(SweepProgress):
    """Progress as JSON lines on standard output, each there at once.

    {"event": "preparing", "what": TEXT}
    {"event": "started", "cell": ID, "repeat": N}
    {"event": "finished", "cell": ID, "repeat": N, "record": TEXT}   the record's file

    A run that is said to have started starts once a line has come on standard input: whoever
    started this process has then passed that on, and it is known should this machine be lost.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(0, None)
        self._store = store
        self._printing = threading.Lock()
        self._passed_on = threading.Semaphore(0)
        self._ended = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def preparing(self, what: str) -> None:
        """An environment is being locked, fetched or built."""
        self._print(event=PREPARING, what=what)

    @contextmanager
    def running(self, cell: str, repeat: int = 0) -> Iterator[None]:
        """A run of `cell` is under way within the block; without a repeat, something else is."""
        if repeat:
            self._print(event=STARTED, cell=cell, repeat=repeat)
            self._passed_on.acquire()
            if self._ended.is_set():
                raise AbandonedError
        else:
            self._print(event=PREPARING, what=cell)
        yield

    def finished(self, record: Record, worker: str = "") -> None:
        """One run is over and its record is written."""
        path = self._store.record_path(record.cell, record.repeat)
        text = path.read_text(encoding="utf-8")
        self._print(event=FINISHED, cell=record.cell, repeat=record.repeat, record=text)

    def _print(self, **event: Any) -> None:
        with self._printing:
            sys.stdout.write(json.dumps(event) + "\n")
            sys.stdout.flush()

    def _listen(self) -> None:
        while lines := os.read(0, _CHUNK):
            self._passed_on.release(len(lines))
        # Whoever started this process is gone, or wants it to stop.
        os.kill(os.getpid(), signal.SIGINT)
        self._ended.set()
        self._passed_on.release(_ALL)


@contextmanager
def printed(store: Store) -> Iterator[PrintedEvents]:
    """Progress of the runs recorded in `store`; the end of standard input interrupts them."""
    yield PrintedEvents(store)
