"""The host's side of the exchange in tests: requests, and the real runner started with them."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.protocol import axes, exchange
from harness.protocol.files import write_json
from harness.protocol.open_values import DEFAULT

PYTHONS = ("3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13")
VERSIONS = ("python", "tensorflow", "numpy", "keras")
WAIT_SECONDS = 600


def request_for(*, device: str = "cpu", **settings: Any) -> dict[str, Any]:
    """A request with these settings, the catalogue's defaults, and 256 samples."""
    asked: dict[str, Any] = {
        axis.name: axes.to_json(axis.default)
        for scope in ("process", "run")
        for axis in axes.axes_of(scope)
    }
    asked |= {"samples": 256, **settings}
    data = str(asked["workload"]).split("-")[0]
    return {
        "schema": exchange.SCHEMA,
        "cell": "a-cell",
        "repeat": 1,
        "data": data,
        "settings": asked,
        "device": device,
        "versions": dict.fromkeys(VERSIONS, DEFAULT),
        "variables": axes.process_variables({**asked, "env": tuple(asked["env"].items())}),
        "packages": {},
        "script": None,
        "observe": True,
        "trace": True,
        "watch": None,
        "state": False,
    }


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a run left: its reply, and the folder with its files."""

    reply: dict[str, Any]
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Runner:
    """Starts the real runner with one interpreter."""

    python: Path
    root: Path
    data: Path
    scratch: Path

    def command(self, folder: Path) -> list[str]:
        """The command an engine starts; `folder` has the folders `control` and `output`."""
        shared = (str(folder / "control"), str(folder / "output"))
        return [str(self.python), "-m", "harness.runner", *shared, str(self.data)]

    def variables(self, settings: Mapping[str, Any]) -> dict[str, str]:
        """The environment variables the host sets for these settings."""
        asked = dict(settings, env=tuple(settings["env"].items()))
        minimum = {
            "PATH": os.defpath,
            "TF_CPP_MIN_LOG_LEVEL": "0",
            "CUDA_VISIBLE_DEVICES": "-1",
            "TMPDIR": str(self.scratch),
        }
        return minimum | axes.process_variables(asked)

    def fresh(self, request: dict[str, Any], **extra: str) -> Answer:
        """One run in a process of its own; `extra` are variables on top of the host's."""
        folder = Path(tempfile.mkdtemp(prefix="fresh-", dir=self.scratch))
        for name in ("control", "output"):
            (folder / name).mkdir()
        (folder / "control" / exchange.REQUEST).write_text(json.dumps(request))
        subprocess.run(
            self.command(folder),
            cwd=self.root,
            env=self.variables(request["settings"]) | extra,
            check=True,
            capture_output=True,
        )
        output = folder / "output"
        return Answer(reply=json.loads((output / exchange.REPLY).read_bytes()), folder=output)

    @contextmanager
    def warm(self) -> Iterator[Callable[[dict[str, Any]], Answer]]:
        """A warm process; what is yielded lets it serve one request."""
        folder = self.scratch / "warm"
        (folder / "output").mkdir(parents=True)
        (folder / "control" / exchange.REQUESTS).mkdir(parents=True)
        numbers = iter(range(1_000_000))
        alive = folder / "control" / exchange.ALIVE
        with alive.open("w") as lock, (folder / "log").open("w") as log:
            fcntl.flock(lock, fcntl.LOCK_EX)
            process = subprocess.Popen(
                self.command(folder),
                cwd=self.root,
                env=self.variables(request_for()["settings"]),
                stdout=log,
                stderr=log,
            )
            try:
                yield lambda request: _served(folder, str(next(numbers)), request)
            finally:
                (folder / "control" / exchange.STOP).touch()
                process.wait(timeout=60)


def _served(folder: Path, name: str, request: dict[str, Any]) -> Answer:
    cpus = sorted(os.sched_getaffinity(0))
    limits = {"cpus": cpus, "timeout_s": WAIT_SECONDS, "memory_bytes": 16 << 30}
    requests = folder / "control" / exchange.REQUESTS
    write_json(requests / f"{name}.json", {**request, "limits": limits})
    deadline = time.monotonic() + WAIT_SECONDS
    while not (folder / "output" / exchange.ENDINGS / f"{name}.json").exists():
        assert time.monotonic() < deadline, (folder / "log").read_text()
        time.sleep(0.02)
    run = folder / "output" / exchange.RUNS / name
    reply = run / exchange.REPLY
    assert reply.exists(), (run / exchange.LOG).read_text()
    return Answer(reply=json.loads(reply.read_bytes()), folder=run)


def interpreter(version: str) -> Path | None:
    """A working interpreter of a minor version ("3.7"), from pyenv or the search path."""
    roots = [os.environ.get("PYENV_ROOT", ""), str(Path.home() / ".pyenv")]
    found = [path for root in roots for path in Path(root).glob(f"versions/{version}.*/bin/python")]
    on_path = shutil.which(f"python{version}")
    found += [Path(on_path)] if on_path else []
    found += [Path(sys.executable)]
    return next((path for path in found if _version_of(path) == version), None)


def _version_of(python: Path) -> str:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run(
        [str(python), "-I", "-c", code], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
