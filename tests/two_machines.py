"""Two machines that ran one matrix, with real arrays, for the tests of comparisons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from results_factory import SweepOnDisk, hardware, sha256

from harness.matrix.cells import Cell
from harness.results.record import Measured
from harness.runner import hashing

HERE, THERE = "zen4-2cpu-aaaaaaaa", "haswell-4cpu-bbbbbbbb"
OLDER = hardware(
    cpu_model="Xeon",
    microarchitecture="haswell",
    cpu_flags=["avx", "sse4_1"],
    visible_cpus=[0, 1, 2, 3],
)


def sweep(root: Path, machine: str = HERE, **changes: Any) -> SweepOnDisk:
    """A sweep on one of the two machines."""
    found = {"hardware": OLDER} if machine == THERE else {}
    return SweepOnDisk(root=root, machine=machine, **{**found, **changes})


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
) -> None:
    """A completed run per entry of `weights`, from repeat 1 on, its arrays stored."""
    for repeat, entry in enumerate(weights, start=1):
        arrays = [np.array(entry, dtype="<f4")] * len(names)
        foretold = np.array(predictions, dtype="<f4")
        blobs = on.folder.parent / "blobs"
        measured = Measured(
            data_sha256=data,
            init_sha256=sha256(init),
            weights_sha256=_stored(blobs / "weights", list(names), arrays),
            predictions_sha256=_stored(blobs / "predictions", ["predictions"], [foretold]),
            tensors=(),
            history={"loss": ((0.5).hex(),)},
            loss=(0.5).hex(),
            metric=metric,
            value=value.hex(),
            parameters=1,
        )
        record = on.record(cell, repeat, "completed", measured=measured)
        on.write(record.model_copy(update={"seconds": {"total": seconds + repeat}}))


def _stored(folder: Path, names: list[str], arrays: list[Any]) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    if names == ["predictions"]:
        digest = hashing.tensor_digest("predictions", arrays[0])
    else:
        digest = hashing.digest_of_arrays(names, arrays)
    hashing.write_arrays(str(folder / f"{digest}.npz"), names, arrays)
    return digest
