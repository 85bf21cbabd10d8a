"""However a process of the script ends, what it did is written down before.

Ends that no Python code sees (a crash, a kill) leave what was written after the last fit.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import sys
from typing import Any

from harness.runner.scripts.observing import isolation
from harness.runner.scripts.observing.notes import Notes


def watch(notes: Notes) -> None:
    """Be told of the end of this process, and of those that are forked from it."""
    _note_errors(notes)
    # Registered first, so that it is called last.
    atexit.register(write, notes)
    leave = os._exit

    @functools.wraps(leave)
    def noting(*arguments: Any, **named: Any) -> Any:
        # Worker processes leave like this, too, without what `atexit` knows.
        try:
            write(notes)
        finally:
            leave(*arguments, **named)

    os._exit = noting


def write(notes: Notes) -> None:
    """Read what is left to read, and write everything down."""
    with notes.guarded(), isolation.visible():
        if notes.run is not None:
            from harness.runner.scripts.observing import framework

            framework.ended(notes)
    if notes.fits or notes.calls or notes.connections or notes.error or notes.found:
        with notes.guarded():
            notes.write(is_end=True)
            return
    if notes.unobserved:
        # What cannot be written is left out; that nothing is observed has to be said.
        notes.clear_results()
        with contextlib.suppress(Exception):
            notes.write()


def watch_pool(notes: Notes, module: Any) -> None:
    """Have workers of a `multiprocessing.Pool`, which are killed in the end, note each task."""
    work = module.worker

    @functools.wraps(work)
    def noting(inqueue: Any, outqueue: Any, *arguments: Any, **named: Any) -> Any:
        put = outqueue.put

        def put_noted(result: Any) -> None:
            write(notes)
            put(result)

        # A pool of threads has workers of this process, whose end is its own.
        if hasattr(outqueue, "_writer"):
            outqueue.put = put_noted
        return work(inqueue, outqueue, *arguments, **named)

    module.worker = noting


def _note_errors(notes: Notes) -> None:
    """An exception that ends the script is noted before it is printed."""
    usual = sys.excepthook

    def note(kind: Any, error: Any, trace: Any) -> None:
        with notes.guarded(), isolation.visible():
            from harness.runner.reply import described, one_line

            notes.error = dict(described(error), reason=one_line(error))
        with notes.guarded():
            notes.write()
        usual(kind, error, trace)

    sys.excepthook = note
