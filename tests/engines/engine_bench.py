"""One small environment (NumPy only), and small programs that run in it as runners."""

from __future__ import annotations

import hashlib
import json
import os
import textwrap
import uuid
from pathlib import Path
from typing import Any

import psutil

from harness.engines.docker.connection import connect, is_podman
from harness.engines.docker.engine import DockerEngine
from harness.engines.protocol import Engine, Image, Order
from harness.environments.lock import Lock, Package
from harness.matrix.environment import Environment

NUMPY = Package(
    name="numpy",
    version="1.26.4",
    file="numpy-1.26.4-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    sha256="666dbfb6ec68962c033a450943ded891bed2d54e6755e35e5835d63f4f6931d5",
)
SIX = Package(
    name="six",
    version="1.16.0",
    file="six-1.16.0-py2.py3-none-any.whl",
    sha256="8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254",
)
MARK = "ENGINE_TEST_MARK"
MIB = 2**20


def make_lock(*packages: Package, python: str = "3.11", device: str = "cpu") -> Lock:
    """A lock by hand: engines look at its environment, packages and digest only."""
    environment = Environment(python=python, tensorflow="2.15.0", device=device)
    digest = hashlib.sha256(f"{environment.id} {packages}".encode()).hexdigest()
    return Lock(
        environment=environment,
        packages=packages,
        platform="manylinux_2_17_x86_64",
        sha256=digest,
        path=Path("by-hand.txt"),
    )


class Bench:
    """Runs small programs as runners: `run` gives the order that ran, and its outcome."""

    def __init__(self, engine: Engine, image: Image, folder: Path) -> None:
        self.engine, self.image, self.folder = engine, image, folder
        self.mark = uuid.uuid4().hex

    @property
    def is_podman(self) -> bool:
        """Whether Podman answers in the place of a Docker Engine."""
        return isinstance(self.engine, DockerEngine) and is_podman(connect())

    def enforces(self, limit: str) -> bool:
        """Whether the engine enforces this limit; `harness doctor` says where it does not."""
        return limit in self.engine.describe().get("limits", limit)

    def order(self, program: str, **changes: Any) -> Order:
        """An order whose runner is `program`, with a folder of its own."""
        folder = self.folder / uuid.uuid4().hex
        for name in ("root/harness/runner", "data", "control", "output"):
            (folder / name).mkdir(parents=True)
        (folder / "root" / "harness" / "runner" / "__init__.py").touch()
        (folder / "data" / "x.bin").write_bytes(b"data")
        text = f"import sys\ncontrol, output, data = sys.argv[1:]\n{textwrap.dedent(program)}"
        (folder / "root" / "harness" / "runner" / "__main__.py").write_text(text)
        wanted: dict[str, Any] = {
            "image": self.image,
            "root": folder / "root",
            "data": folder / "data",
            "control": folder / "control",
            "output": folder / "output",
            "log": folder / "log.txt",
            "cpus": tuple(sorted(os.sched_getaffinity(0))),
            "memory": 1024 * MIB,
            "timeout": 60.0,
            "variables": {MARK: self.mark},
        }
        variables = {**wanted["variables"], **changes.pop("variables", {})}
        return Order(**{**wanted, **changes, "variables": variables})

    def reply(self, program: str, **changes: Any) -> Any:
        """What `program` left as JSON in `reply.json`; it must end well."""
        order = self.order(program, **changes)
        outcome = self.engine.run(order)
        assert (outcome.cause, outcome.exit_code) == ("exited", 0), order.log.read_text()
        return json.loads((order.output / "reply.json").read_text())

    def alive(self) -> list[psutil.Process]:
        """Processes of this bench's orders, wherever they run on this host."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def runners(self) -> list[psutil.Process]:
        """Those of them that are a runner's main process."""
        return [process for process in self.alive() if _is_runner(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARK) == self.mark
        except psutil.Error:
            return False


def _is_runner(process: psutil.Process) -> bool:
    return process.cmdline()[1:3] == ["-m", "harness.runner"]
