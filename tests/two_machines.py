"""Two machines that ran one matrix, with real arrays, for the tests of comparisons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from results_factory import MACHINE, SweepOnDisk, hardware, sha256, stored

from harness.matrix.cells import Cell
from harness.results import fingerprint
from harness.runner import hashing
from harness.runner.trace import Trace

OLDER = hardware(
    cpu_model="Xeon",
    microarchitecture="haswell",
    cpu_flags=["avx", "sse4_1"],
    visible_cpus=[0, 1, 2, 3],
)
HERE, THERE = MACHINE, fingerprint.identify(OLDER)


def sweep(root: Path, machine: str = HERE, **changes: Any) -> SweepOnDisk:
    """A sweep on one of the two machines."""
    found = {"hardware": OLDER} if machine == THERE else {}
    return SweepOnDisk(root=root, **{**found, **changes})


def train(
    on: SweepOnDisk,
    cell: Cell,
    *weights: Any,
    predictions: Any = ((0.9, 0.1), (0.2, 0.8)),
    init: str = "init",
    value: float = 0.9375,
    names: tuple[str, ...] = ("dense/kernel",),
    seconds: float = 6.0,
    data: str = sha256("data"),
    metric: str = "accuracy",
    losses: tuple[float, ...] = (),
    trained: tuple[int, ...] = (),
) -> None:
    """A completed run per entry of `weights`, from repeat 1 on, its arrays stored.

    `losses` are those of its epochs; without any there is one epoch. `trained` are what a trace has
    of its trained weights before the first step and after each; without any there is no trace.
    """
    for repeat, entry in enumerate(weights, start=1):
        arrays = dict.fromkeys(names, np.array(entry, dtype="<f4"))
        blobs = on.folder.parent / "blobs"
        measured = stored(blobs, arrays, np.array(predictions, dtype="<f4"), init)
        changes: dict[str, Any] = {"data_sha256": data, "metric": metric, "value": value.hex()}
        if trained:
            changes["trace_sha256"] = _store_trace(blobs, trained)
        if losses:
            changes |= {
                "history": {"loss": tuple(map(float.hex, losses))},
                "loss": losses[-1].hex(),
            }
        measured = measured.model_copy(update=changes)
        record = on.record(cell, repeat, "completed", measured=measured)
        on.write(record.model_copy(update={"seconds": {"total": seconds + repeat}}))


def _store_trace(blobs: Path, trained: tuple[int, ...]) -> str:
    made = Trace()
    for step, digest in enumerate(trained):
        batch = {"inputs": step, "targets": step}
        made.add((1, 1, min(step, 1), step), {"trained": digest, **batch})
    folder = blobs / "traces"
    folder.mkdir(exist_ok=True)
    names, arrays = zip(*made.columns(), strict=True)
    sha256 = hashing.digest_of_arrays(names, arrays)
    hashing.write_arrays(str(folder / f"{sha256}.npz"), names, arrays)
    return sha256
