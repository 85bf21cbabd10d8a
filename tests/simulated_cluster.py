"""A Dask cluster on this machine, with real schedulers and workers; trainings only sleep."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks import made
from results_factory import stored

from harness.cli import wiring
from harness.matrix import reading
from harness.matrix.matrix import Matrix
from harness.results.record import Record
from harness.results.store import serialised

HERE = Path(__file__).parent
LOCKS = HERE / "data" / "matrices" / "locks"
ARRAYS = {"dense/kernel": np.array([[1.0, 2.0]], dtype="<f4")}
PREDICTIONS = np.array([[0.9, 0.1]], dtype="<f4")


def matrix_of(folder: Path, cells: int, repeats: int, more: str = "") -> Path:
    """A matrix of so many cells in one environment, its lock beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "locks").exists():
        shutil.copytree(LOCKS, folder / "locks")
    path = folder / "sleeping.yaml"
    path.write_text(
        "schema: 1\nname: sleeping\n"
        'environments: {python: "3.11", tensorflow: 2.15.1}\n'
        f"axes:\n  workload: mnist-mlp\n  threads: 1\n  seed: {list(range(1, cells + 1))}\n"
        f"repeats: {repeats}\n{more}"
    )
    return path


def prepare(matrix_file: Path, folder: Path) -> Path:
    """The records and arrays that the runs of a matrix leave on this machine; the folder."""
    matrix = reading.read(matrix_file)
    left = stored(folder / matrix.name / "blobs", ARRAYS, PREDICTIONS, "init")
    data = wiring.data_reference("mnist-mlp").sha256
    left = left.model_copy(update={"data_sha256": data})
    for record in _records(matrix, matrix_file):
        path = folder / matrix.name / record.machine / record.cell / f"{record.repeat}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(serialised(record.model_copy(update={"measured": left})))
    return folder


def _records(matrix: Matrix, matrix_file: Path) -> list[Record]:
    here, lock_of = wiring.this_machine(), wiring.lock_reader(matrix_file)
    planned = wiring.settled_cells(matrix, here.limits, lambda device: None)
    return [
        record
        for cell in planned
        for record in made.records(matrix, here, cell, lock_of(cell.environment))
    ]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass(kw_only=True)
class Cluster:
    """Processes of a cluster below `folder`; `begun` counts what its workers really began."""

    folder: Path
    prepared: Path | None = None
    tls: Path | None = None
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where its scheduler listens."""
        return f"{'tls' if self.tls else 'tcp'}://127.0.0.1:{self.port}"

    def scheduler(
        self, *options: str, host: str = "127.0.0.1", variables: Mapping[str, str] | None = None
    ) -> None:
        """Start Dask's own scheduler, as a user does."""
        tls = self.tls
        secure = [
            *("--protocol", "tls", "--tls-ca-file", f"{tls}/ca.pem"),
            *("--tls-cert", f"{tls}/certificate.pem", "--tls-key", f"{tls}/key.pem"),
        ]
        command = ["--host", host, "--port", str(self.port), "--no-dashboard"]
        program = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
        self._start(
            "scheduler", [*program, *command, *(secure if tls else []), *options], variables
        )
        self._until_listening()

    def sleeper(
        self,
        name: str,
        seconds: float,
        changes: Mapping[str, Any] | None = None,
        tls: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a worker whose runs take so many seconds."""
        job = [sys.executable, "-S", "-E", str(HERE / "simulated_job.py"), str(seconds)]
        what = [*job, str(self.prepared), str(self.folder / "begun.log")]
        own = [self.address, name, str(tls or self.tls or ""), json.dumps(changes or {})]
        program = [sys.executable, str(HERE / "simulated_worker.py")]
        return self._start(name, [*program, *own, *what])

    def worker(
        self,
        name: str,
        *prefix: str,
        options: tuple[str, ...] = (),
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a worker as a user does; `prefix` is a command that starts it, such as taskset."""
        program = [sys.executable, "-m", "harness", "worker", self.address, "--name", name]
        how = ("--trust-jobs", "--engine", "local", *options)
        return self._start(name, [*prefix, *program, *how], variables)

    def _start(
        self, name: str, command: list[str], variables: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        self.folder.mkdir(exist_ok=True)
        path = os.pathsep.join([str(HERE), str(HERE.parent), os.environ.get("PYTHONPATH", "")])
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": path, **(variables or {})},
            )
        return self.processes[name]

    def said(self, name: str) -> str:
        """What a process of it printed."""
        return (self.folder / f"{name}.log").read_text()

    def end(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a process of it a signal and wait for its end."""
        self.processes[name].send_signal(number)
        self.processes[name].wait(60)

    def close(self) -> None:
        """End all of it."""
        for process in self.processes.values():
            process.kill()
            process.wait()

    @property
    def begun(self) -> Counter[str]:
        """How often each run was really begun, by `CELL #REPEAT`."""
        with suppress(FileNotFoundError):
            return Counter((self.folder / "begun.log").read_text().splitlines())
        return Counter()

    def until_joined(self, workers: int) -> None:
        """Wait until so many workers say that they have joined."""
        until = time.monotonic() + 300
        while sum(" at " in self.said(name) for name in self.processes) < workers:
            if time.monotonic() > until:
                raise TimeoutError("\n".join(map(self.said, self.processes)))
            time.sleep(0.2)

    def _until_listening(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.1)
        raise TimeoutError(self.said("scheduler"))


def records(results: Path) -> dict[Path, int]:
    """The records there are, with the times they were written."""
    found = results.glob("*/*/*/[0-9]*.json")
    return {path: path.stat().st_mtime_ns for path in found if "superseded" not in path.name}


def until_recorded(results: Path, count: int, process: subprocess.Popen[str]) -> None:
    """Wait for so many records of a sweep that is under way."""
    until = time.monotonic() + 300
    while len(records(results)) < count:
        assert process.poll() is None and time.monotonic() < until, process.communicate()
        time.sleep(0.05)
