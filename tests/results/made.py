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

import harness.results
from harness.results.record import SCHEMA, EnvironmentPart, Measured, Record
from harness.results.store import Store
from harness.runner import hashing

MATRIX = "made"
MACHINE = "zen4-2cpu-00000000"
CELL = "mnist-mlp,tf2.15.1,py3.11,cpu"


def array_files(folder: Path, number: int) -> tuple[Path, Path, str, str]:
    """Weights and predictions as the runner leaves them, with their digests."""
    folder.mkdir(parents=True, exist_ok=True)
    weights, predictions = folder / f"weights{number}.npz", folder / f"predictions{number}.npz"
    numbers = np.random.default_rng(number)
    kernel = numbers.standard_normal((64, 32)).astype("f4")
    hashing.write_arrays(str(weights), ["dense/kernel", "dense/bias"], [kernel, kernel[0]])
    hashing.write_arrays(str(predictions), [hashing.PREDICTIONS_NAME], [kernel[:, :10]])
    return (
        weights,
        predictions,
        hashing.digest_of_weights_file(str(weights)),
        hashing.digest_of_predictions_file(str(predictions)),
    )


def measured(weights_sha256: str, predictions_sha256: str) -> Measured:
    return Measured(
        data_sha256="d" * 64,
        init_sha256="1" * 64,
        weights_sha256=weights_sha256,
        predictions_sha256=predictions_sha256,
        tensors=(),
        history={"loss": ((0.5).hex(),)},
        loss=(0.5).hex(),
        metric="accuracy",
        value=(0.9).hex(),
        parameters=2080,
    )


def record(cell: str = CELL, repeat: int = 1, **changes: Any) -> Record:
    """A record of a run that failed; give `measured` and `status` for one that completed."""
    parts: dict[str, Any] = {
        "schema_number": SCHEMA,
        "matrix": MATRIX,
        "machine": MACHINE,
        "cell": cell,
        "repeat": repeat,
        "status": "failed",
        "reason": "the training raised ValueError",
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
        "settings": {"workload": "mnist-mlp", "seed": 42, "env": {}},
        "hardware": {"cpu_flags": [f"flag{number}" for number in range(100)]},
        "runner_sha256": "4" * 64,
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
    weights, predictions, first, second = array_files(arrays, number)
    made = measured(first, second)
    done = record(f"cell-{number % 7}", 1 + number % 3, measured=made, status="completed")
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
