"""Sweeps of any size on disk: records as a sweep leaves them, without the trainings.

Weights follow a rule of what changes bits (facts of real sweeps), so that classes look like real
ones: versions fall in families, threads matter to convolutions, instruction sets where a library
chooses its kernels by them, and a few cells do not repeat themselves.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from packaging.version import Version

from harness.cli import wiring
from harness.cli.wiring import LocalMachine
from harness.datasets import catalogue
from harness.engines.local.engine import LocalEngine
from harness.environments.lock import Lock
from harness.executors.code_identity import code_sha256
from harness.executors.cpu_sets import cpus_for
from harness.matrix import reading
from harness.matrix.cells import Cell, cell_variables
from harness.matrix.environment import Environment
from harness.matrix.matrix import Matrix
from harness.protocol.axes import to_json
from harness.results import plan_file
from harness.results.record import (
    SCHEMA,
    AuditPart,
    EnvironmentPart,
    Found,
    Measured,
    Record,
    Tensor,
)
from harness.results.store import Store, serialised
from harness.runner import hashing

_CONVOLUTIONS = ("mnist-cnn", "co2-conv", "mnist-augmented")


def sweep(matrix_file: Path, results: Path) -> Path:
    """Every record of a matrix on this machine, as this harness would accept them; the folder.

    The locks are those beside the matrix file. Records that are there already stay.
    """
    matrix, here = reading.read(matrix_file), wiring.this_machine()
    store = Store(results, matrix.name, here.id)
    store.folder.mkdir(parents=True, exist_ok=True)
    store.write_machine(here.hardware)
    planned = list(wiring.settled_cells(matrix, here.limits, lambda device: None))
    plan_file.write(store.plan_path, matrix=matrix, machine=here.id, cells=planned)
    lock_of = wiring.lock_reader(matrix_file)
    for cell in planned:
        if cell.status is None:
            _write(store, records(matrix, here, cell, lock_of(cell.environment)))
    return store.folder


def _write(store: Store, records: Iterator[Record]) -> None:
    """As `Store.write`, without waiting for the disk a hundred thousand times."""
    for record in records:
        path = store.record_path(record.cell, record.repeat)
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(serialised(record))


def records(matrix: Matrix, here: LocalMachine, cell: Cell, lock: Lock | None) -> Iterator[Record]:
    settings = {name: to_json(value) for name, value in cell.settings.items()}
    environment = _environment(cell.environment, lock)
    cpus = range(cpus_for(settings, len(here.hardware["visible_cpus"])))
    for repeat in range(1, matrix.repeats + 1):
        yield Record(
            schema=SCHEMA,
            matrix=matrix.name,
            machine=here.id,
            cell=cell.id,
            repeat=repeat,
            status="completed",
            reason="",
            engine={"name": "local", "version": "uv", "network": "none", "mounts": "read-only"},
            environment=environment,
            settings=settings,
            found={
                name: Found(value=value, how="the value used in training")
                for name, value in {**settings, "cpus": len(cpus)}.items()
            },
            process=_process(cell, environment, cpus),
            hardware=here.hardware,
            audit=AuditPart(state="passed", sentence="the same hashes as a cold run"),
            code_sha256=code_sha256(_workload(cell), settings),
            measured=_measured(cell, repeat),
            seconds={"build": 0.3, "fit": 1.5, "predict": 0.4, "total": 2.3},
            started="2026-01-01T00:00:00+00:00",
        )


@cache
def _base(environment: Environment) -> str:
    """Where this machine has no such Python, nothing could be recorded: any text will do."""
    return LocalEngine().base(environment) or "CPython"


def _environment(asked: Environment, lock: Lock | None) -> EnvironmentPart:
    return EnvironmentPart(
        id=asked.id,
        python=asked.python,
        tensorflow=asked.tensorflow,
        numpy=asked.numpy,
        keras=asked.keras,
        device=asked.device,
        lock_sha256=lock.sha256 if lock else "",
        image=f"venv-{_sha256(asked.id)}",
        base=_base(asked),
        packages={package.name: package.version for package in lock.packages} if lock else {},
    )


def _process(cell: Cell, environment: EnvironmentPart, cpus: Sequence[int]) -> dict[str, object]:
    packages = environment.packages
    versions = {name: packages.get(name, "") for name in ("keras", "numpy")}
    return {
        "isolation": "forked",
        "cpus": list(cpus),
        "timeout_s": 1800.0,
        "memory_bytes": 4 << 30,
        "variables": cell_variables(cell),
        "exit_code": 0,
        "versions": {"tensorflow": environment.tensorflow, **versions},
        "build": {"compiler_version": "clang 17.0.2", "is_cuda_build": False},
        "glibc": "2.36",
    }


def _measured(cell: Cell, repeat: int) -> Measured:
    init, weights = _words(cell, repeat)
    number = int(_sha256(weights)[:8], 16) / 2**32
    loss, value = (0.25 + number / 1e3).hex(), (0.9 + number / 1e4).hex()
    tensors = tuple(
        Tensor(
            name=f"layer{layer}/kernel",
            shape=(784, 128),
            dtype="<f4",
            init_sha256=_sha256(f"{init} {layer}"),
            sha256=_sha256(f"{weights} {layer}"),
        )
        for layer in range(4)
    )
    return Measured(
        data_sha256=catalogue.get(catalogue.for_workload(_workload(cell))).sha256,
        init_sha256=hashing.combined_digest(tensor.init_sha256 for tensor in tensors),
        weights_sha256=hashing.combined_digest(tensor.sha256 for tensor in tensors),
        predictions_sha256=_sha256(f"predictions {weights}"),
        tensors=tensors,
        history={"loss": (loss,), "accuracy": (value,)},
        loss=loss,
        metric="mean_absolute_error_ppm" if "co2" in _workload(cell) else "accuracy",
        unit="ppm" if "co2" in _workload(cell) else "",
        value=value,
        parameters=len(tensors) * 784 * 128,
    )


def _workload(cell: Cell) -> str:
    return str(cell.settings["workload"])


def _words(cell: Cell, repeat: int) -> tuple[str, str]:
    """Words that stand for initial and final weights; equal words are equal bits."""
    settings, version = cell.settings, Version(cell.environment.tensorflow)
    stream = sum(version >= Version(first) for first in ("2.10", "2.16"))
    init = f"{_workload(cell)} {settings['seed']} {stream}"
    parts = [init, sum(version >= Version(first) for first in ("2.9", "2.11", "2.16"))]
    parts += [settings[name] for name in ("determinism", "onednn")]
    parts += [settings["isa"]] if settings["onednn"] != "off" else []
    if _workload(cell) in _CONVOLUTIONS:
        parts.append(settings["threads"])
    if _workload(cell) == "mnist-augmented" and settings["threads"] == 2:
        parts += [repeat] if settings["determinism"] == "off" else []
    return init, json.dumps(parts)


def _sha256(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()
