"""Progress of a sweep: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
)
from rich.progress import TimeRemainingColumn as TimeLeftColumn
from rich.table import Column

from harness import console
from harness.results.record import Record


class SweepProgress:
    """Says which cells run now, how many runs are left, and how long they may take."""

    def __init__(self, total: int, bar: Progress | None) -> None:
        self._total = total
        self._done = 0
        self._running: dict[str, None] = {}
        self._bar = bar
        self._id = bar.add_task("", total=total, what="") if bar is not None else None
        self._lock = threading.Lock()

    def preparing(self, what: str) -> None:
        """An environment is being locked, fetched or built."""
        console.note(what)

    @contextmanager
    def running(self, cell: str, repeat: int = 0) -> Iterator[None]:
        """A run of `cell` is under way within the block; without a repeat, something else is."""
        self.set_running(cell, under_way=True)
        try:
            yield
        finally:
            self.set_running(cell, under_way=False)

    def set_running(self, cell: str, *, under_way: bool) -> None:
        """A run of `cell`, or something else that takes a while, has begun or is over."""
        with self._lock:
            if under_way:
                self._running[cell] = None
            else:
                self._running.pop(cell, None)
            if self._bar is not None and self._id is not None:
                self._bar.update(self._id, what="  ".join(self._running))

    def finished(self, record: Record, worker: str = "") -> None:
        """One run is over and its record is written; `worker` says where, if not here."""
        with self._lock:
            self._done += 1
            done = self._done
        if self._bar is not None and self._id is not None:
            self._bar.update(self._id, advance=1)
        if self._bar is None or record.status != "completed" or console.is_verbose():
            console.note(_line(done, self._total, record, worker))


def _line(done: int, total: int, record: Record, worker: str) -> str:
    width = len(str(total))
    took = record.seconds.get("process")
    seconds = f"  {took:.1f} s" if took is not None else ""
    reason = f"  {record.reason}" if record.reason else ""
    where = f"  on {worker}" if worker else ""
    return (
        f"[{done:{width}}/{total}] {record.status:11} {record.cell} #{record.repeat}"
        f"{seconds}{where}{reason}"
    )


def columns() -> list[ProgressColumn]:
    """What matters first; the names of cells get what room is left, on one line."""
    rest = Column(ratio=1, no_wrap=True, overflow="ellipsis")
    return [
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeLeftColumn(compact=True),
        TextColumn("left"),
        TextColumn("{task.fields[what]}", markup=False, table_column=rest),
    ]


@contextmanager
def shown(total: int) -> Iterator[SweepProgress]:
    """Progress of `total` runs for the time of the `with` block."""
    if console.is_quiet() or not console.notes.is_terminal:
        yield SweepProgress(total, None)
        return
    with Progress(*columns(), console=console.notes, transient=True, expand=True) as bar:
        yield SweepProgress(total, bar)
