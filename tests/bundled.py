"""Results with everything that a bundle takes: real arrays, and locks beside them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from results_factory import SweepOnDisk, cell, stored

from harness.datasets import catalogue
from harness.matrix.cells import Cell
from harness.publish.bundle import writing
from harness.publish.bundle.crate import Credits
from harness.publish.bundle.manifest import Arrays
from harness.publish.bundle.writing import Bundle

LOCKS = Path(__file__).parent / "data" / "matrices" / "locks"
KERNEL = ((0.5, -1.0), (2.0, 0.25))


def train(
    on: SweepOnDisk,
    of: Cell,
    *weights: Any,
    init: str = "init",
    lock_sha256: str | None = None,
    data_sha256: str = catalogue.get("mnist").sha256,
) -> None:
    """A completed run per entry of `weights`, from repeat 1 on, its arrays stored."""
    for repeat, entry in enumerate(weights, start=1):
        kernel = np.array(entry, dtype="<f4")
        measured = stored(on.folder.parent / "blobs", {"dense/kernel": kernel}, kernel, init)
        measured = measured.model_copy(update={"data_sha256": data_sha256})
        record = on.record(of, repeat, "completed", measured=measured)
        if lock_sha256 is not None:
            changed = record.environment.model_copy(update={"lock_sha256": lock_sha256})
            record = record.model_copy(update={"environment": changed})
        on.write(record)


def keep_lock(on: SweepOnDisk, of: Cell, content: bytes | None = None) -> Path:
    """A lock beside the results: `content`, or what the factory's records name."""
    name = of.environment.id
    path = on.folder.parent / "locks" / f"{name}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(f"lock {name}".encode() if content is None else content)
    return path


def results(root: Path) -> Path:
    """A small results folder: two cells, one of them with two runs, and one that failed."""
    on = SweepOnDisk(root=root)
    cells = [cell(), cell(threads=1), cell(threads=2)]
    on.plan(cells)
    train(on, cells[0], KERNEL, KERNEL)
    train(on, cells[1], ((0.5, -1.0), (2.0, 0.5)))
    on.end(cells[2], 1, "failed", "the training raised ValueError")
    (on.folder / "logs").mkdir()
    (on.folder / "logs" / "tf2.10.0.build.log").write_text("built\n")
    keep_lock(on, cells[0])
    return root


def prepared(
    folder: Path,
    *,
    lock_folders: Sequence[Path] = (),
    arrays: Arrays = "all",
    scripts: bool = True,
    **credits: Any,
) -> Bundle:
    """The bundle of a results folder, with one Dockerfile."""
    return writing.prepare(
        folder,
        lock_folders=lock_folders,
        more={"dockerfiles/cpu.Dockerfile": b"FROM scratch\n", "data.json": b"{}\n"},
        arrays=arrays,
        scripts=scripts,
        credits=Credits(**credits),
    )


def bundle(folder: Path, target: Path) -> Path:
    """The bundle of a results folder, written."""
    prepared(folder).write(target)
    return target
