"""Records, arrays and writers that the tests of this folder share."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import results_factory

import harness.results
from harness.matrix.cells import Cell
from harness.protocol.axes import to_json
from harness.results import fingerprint
from harness.results.record import SCHEMA, EnvironmentPart, Failure, Found, Measured, Record
from harness.results.store import Store
from harness.runner import hashing

MATRIX = "made"
HARDWARE = results_factory.hardware(cpu_flags=[f"flag{number}" for number in range(100)])
MACHINE = fingerprint.identify(HARDWARE)


def cell(number: int = 0) -> Cell:
    """One of many cells of one environment; the first one has the id `CELL`."""
    seed: dict[str, Any] = {"seed": number} if number else {}
    return results_factory.cell(tensorflow="2.15.1", python="3.11", numpy=None, **seed)


CELL = cell().id


def array_files(folder: Path, number: int) -> tuple[Path, Path, Measured]:
    """Weights and predictions as the runner leaves them, and what it says about them."""
    folder.mkdir(parents=True, exist_ok=True)
    weights, predictions = folder / f"weights{number}.npz", folder / f"predictions{number}.npz"
    kernel = np.random.default_rng(number).standard_normal((64, 32)).astype("f4")
    arrays = {"dense/kernel": kernel, "dense/bias": kernel[0]}
    hashing.write_arrays(str(weights), list(arrays), list(arrays.values()))
    hashing.write_arrays(str(predictions), [hashing.PREDICTIONS_NAME], [kernel[:, :10]])
    sha256 = hashing.tensor_digest(hashing.PREDICTIONS_NAME, kernel[:, :10])
    tensors = results_factory.tensors(arrays, "init")
    return weights, predictions, results_factory.measured(tensors, sha256)


def completed(
    measured: Measured, of: Cell | None = None, repeat: int = 1, **changes: Any
) -> Record:
    """The record of a run that completed."""
    seed = (of or cell()).settings["seed"]
    parts = {
        "status": "completed",
        "reason": "",
        "failure": None,
        "found": {"seed": Found(value=seed, how="for tests")},
    }
    return record(of, repeat, measured=measured, **{**parts, **changes})


def record(of: Cell | None = None, repeat: int = 1, **changes: Any) -> Record:
    """The record of a run that failed."""
    of = of or cell()
    parts: dict[str, Any] = {
        "schema_number": SCHEMA,
        "matrix": MATRIX,
        "machine": MACHINE,
        "cell": of.id,
        "repeat": repeat,
        "status": "failed",
        "reason": "the training raised ValueError",
        "failure": Failure(type="ValueError", message="the training raised ValueError"),
        "engine": {"name": "local"},
        "environment": EnvironmentPart(
            id="tf2.15.1,py3.11,cpu",
            python="3.11",
            tensorflow="2.15.1",
            numpy=None,
            keras=None,
            device="cpu",
            lock_sha256="2" * 64,
            image="venv-3",
            base="cpython-3.11.7",
            packages={f"package-{number}": "1.2.3" for number in range(60)},
        ),
        "settings": {name: to_json(value) for name, value in of.settings.items()},
        "hardware": HARDWARE,
        "code_sha256": "4" * 64,
        "started": "2030-01-01T00:00:00+00:00",
    }
    return Record(**{**parts, **changes})


def write_for_ever(root: Path, arrays: Path) -> None:
    """What a sweep does, until it is killed: the lock, then one record after the other."""
    store = Store(root, MATRIX, MACHINE)
    with store.lock():
        print("locked", flush=True)
        for number in range(100_000):
            write_one(store, arrays, number)


def write_one(store: Store, arrays: Path, number: int) -> None:
    """A completed run with arrays of its own; every now and then one that was there before."""
    weights, predictions, measured = array_files(arrays, number)
    done = completed(measured, cell(number % 7), 1 + number % 3)
    store.write(done, weights, predictions)


def killed_within(writing: Callable[[], object], steps: int) -> bool:
    """Run `writing` in a child that is killed with SIGKILL before its given step.

    A step is a call, of Python or C, that the code of `harness.results` makes. False if the child
    came to its end before that.
    """
    child = os.fork()
    if child == 0:
        sys.setprofile(_killer(steps))
        writing()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def _killer(steps: int) -> Callable[[FrameType, str, Any], None]:
    ours = str(Path(harness.results.__file__).parent)
    seen = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal seen
        if event in ("call", "c_call") and frame.f_code.co_filename.startswith(ours):
            seen += 1
            if seen == steps:
                os.kill(os.getpid(), signal.SIGKILL)

    return count


if __name__ == "__main__":
    write_for_ever(Path(sys.argv[1]), Path(sys.argv[2]))
