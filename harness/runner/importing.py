"""The costly part that every run of a process shares: importing the framework.

Afterwards the process has touched no GPU and the framework has started no thread, so that it can be
forked once per run. (NumPy's OpenBLAS may have started its own; it survives a fork.)
"""

from __future__ import annotations

import contextlib
import gc
import os
import time
from dataclasses import dataclass, replace
from typing import Any, Dict, Iterator, Optional

from harness.protocol import processor
from harness.runner import backends, variables
from harness.runner.backends import Backend
from harness.runner.stderr_copy import copy_of_standard_error


@dataclass(frozen=True)
class Imported:
    """What is known once the framework is imported.

    `started` is `time.perf_counter()` at the start of the run, `seconds` what the import cost this
    run (None: nothing, it was forked), `log` what it wrote to standard error, `variables` the
    environment before it and `at_start` the one this process was started with, `probed` what the
    backend learnt in a fork, and `threads` how many threads there were when the run began (None:
    nobody knows).
    """

    started: float
    seconds: Optional[float]
    log: str
    variables: Dict[str, str]
    at_start: Dict[str, str]
    backend: Backend
    probed: Any
    threads: Optional[int]


def import_framework(folder: str, name: str = backends.DEFAULT) -> Imported:
    """Import the framework of a backend; `folder` must be writable.

    Raises:
        Exception: whatever the import raises.
    """
    started = time.perf_counter()
    before = dict(os.environ)
    with copy_of_standard_error(folder) as copied, _out_of_the_collectors_way():
        backend = backends.import_framework(name)
    seconds = time.perf_counter() - started
    return Imported(
        started=started,
        seconds=seconds,
        log=copied[0],
        variables=before,
        at_start=variables.at_start(),
        backend=backend,
        probed=backend.probe(copied[0]),
        threads=processor.threads(),
    )


@contextlib.contextmanager
def _out_of_the_collectors_way() -> Iterator[None]:
    """The collector never walks what comes into being within the `with` block: it stays.

    Not meanwhile: to look for cycles among the many objects of an import takes a fifth of its
    time. Nor later: a training would walk them all, a forked one also copy their pages.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def as_forked(imported: Imported) -> Imported:
    """The same, for a child forked just now: the import was paid by its parent."""
    return replace(imported, started=time.perf_counter(), seconds=None, threads=processor.threads())
