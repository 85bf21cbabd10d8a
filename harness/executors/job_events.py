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

from harness.executors.progress import SweepProgress
from harness.results.record import Record
from harness.results.store import Store

PREPARING, STARTED, FINISHED = EVENTS = "preparing", "started", "finished"


class PrintedEvents(SweepProgress):
    """Progress as JSON lines on standard output, each there at once.

    {"event": "preparing", "what": TEXT}
    {"event": "started", "cell": ID, "repeat": N}      before its process starts
    {"event": "finished", "cell": ID, "repeat": N, "record": TEXT}   the record's file
    """

    def __init__(self, store: Store) -> None:
        super().__init__(0, None)
        self._store = store
        self._printing = threading.Lock()

    def preparing(self, what: str) -> None:
        """An environment is being locked, fetched or built."""
        self._print(event=PREPARING, what=what)

    @contextmanager
    def running(self, cell: str, repeat: int = 0) -> Iterator[None]:
        """A run of `cell` is under way within the block; without a repeat, something else is."""
        if repeat:
            self._print(event=STARTED, cell=cell, repeat=repeat)
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


@contextmanager
def printed(store: Store) -> Iterator[PrintedEvents]:
    """Progress of the runs recorded in `store`; the end of standard input interrupts them."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    yield PrintedEvents(store)


def _end_with_input() -> None:
    # Whoever started this process is gone, or wants it to stop.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGINT)
