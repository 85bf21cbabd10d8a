"""The costly part that every run of a process shares: importing TensorFlow and Keras.

Afterwards the process has touched no GPU and TensorFlow has started no thread, so that it can be
forked once per run. (NumPy's OpenBLAS may have started its own; it survives a fork.)
"""

from __future__ import annotations

import contextlib
import gc
import os
import time
from dataclasses import dataclass, replace
from typing import Dict, Iterator, Optional

from harness.protocol import processor
from harness.runner import variables
from harness.runner.probing import ONEDNN_LINE, Onednn, ask_onednn
from harness.runner.stderr_copy import copy_of_standard_error


@dataclass(frozen=True)
class Imported:
    """What is known once TensorFlow is imported.

    `started` is `time.perf_counter()` at the start of the run, `seconds` what the import cost this
    run, `log` what it wrote to standard error, `variables` the environment before it and `at_start`
    the one this process was started with, `onednn` what oneDNN says of itself, and `threads` how
    many threads there were when the run began (None: nobody knows).
    """

    started: float
    seconds: float
    log: str
    variables: Dict[str, str]
    at_start: Dict[str, str]
    onednn: Onednn
    threads: Optional[int]


def import_tensorflow(exchange: str) -> Imported:
    """Import TensorFlow and its Keras; `exchange` must be a writable folder.

    Raises:
        Exception: whatever the import raises.
    """
    started = time.perf_counter()
    before = dict(os.environ)
    with copy_of_standard_error(exchange) as copied, _kept():
        import tensorflow as tf

        # Keras 3 is loaded lazily, at the first use of this attribute.
        tf.keras.layers  # noqa: B018
    seconds = time.perf_counter() - started
    return Imported(
        started=started,
        seconds=seconds,
        log=copied[0],
        variables=before,
        at_start=variables.at_start(),
        onednn=ask_onednn(operations=bool(ONEDNN_LINE.search(copied[0]))),
        threads=processor.threads(),
    )


@contextlib.contextmanager
def _kept() -> Iterator[None]:
    """What comes into being within the `with` block stays, so the collector need not walk it.

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
    """The same, for a child forked just now: the import cost it nothing."""
    return replace(imported, started=time.perf_counter(), seconds=0.0, threads=processor.threads())
