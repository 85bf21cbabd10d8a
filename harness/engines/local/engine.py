"""The local engine."""

from __future__ import annotations

import os
import threading
from functools import cache
from pathlib import Path

from harness import processes
from harness.engines import gpus, outcomes
from harness.engines.local import isolation, process_run, virtual_environments
from harness.engines.protocol import Image, Order, Outcome
from harness.environments import commands, interpreters
from harness.environments.lock import Lock
from harness.errors import EngineError
from harness.matrix.environment import Environment
from harness.processes import ProcessFailedError


class LocalEngine:
    """Virtual environments and guarded processes: for people without Docker.

    Where the kernel allows it, a process has no network and cannot write to the runner, the data
    or its environment; `describe` says whether. The rest of the host's files stay visible to it.
    """

    name = "local"
    contains = False

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def describe(self) -> dict[str, str]:
        """Name, versions, and what its processes are kept from.

        Raises:
            EngineError: uv is gone.
        """
        isolated = isolation.best() != "none"
        return {
            "name": self.name,
            "version": _uv_version(),
            "isolation": isolation.best(),
            "network": "none" if isolated else "open",
            "mounts": "read-only" if isolated else "writable",
            "capabilities": "none",
            "seccomp": "none",
        }

    def unavailable(self, *, device: str) -> str | None:
        """Why this engine cannot serve the device here, None if it can."""
        return gpus.absent() if device == "gpu" else None

    def assemble(self, lock: Lock, log: Path) -> Image:
        """The virtual environment for this lock, made unless the same input was made before.

        Raises:
            BuildError: it cannot be made; the message shows the log's last lines and path.
            LockError: a wheel does not match the lock.
        """
        return virtual_environments.assemble(lock, log)

    def existing(self, lock: Lock) -> Image | str:
        """The virtual environment for this lock if it is there, else why it would be made."""
        return virtual_environments.existing(lock)

    def base(self, environment: Environment) -> str | None:
        """The interpreter an environment would stand on, None where uv would have to fetch one."""
        found = interpreters.present(environment.python)
        return found.description if found else None

    def run(self, order: Order) -> Outcome:
        """Run to its end; after `cancel` not at all. Nothing is left running, whatever happens.

        Raises:
            EngineError: the process could not be started.
        """
        if self._cancelled.is_set():
            return outcomes.never_started()
        gpu = os.environ.get("CUDA_VISIBLE_DEVICES", gpus.FIRST)
        return process_run.run(order, self._cancelled, gpu=gpu)

    def cancel(self) -> None:
        """End every order now running, from another thread, and start none from now on."""
        self._cancelled.set()


def make(*, tidy: bool) -> LocalEngine:
    """The local engine. Nothing outlives a killed harness in it, so there is nothing to tidy."""
    return LocalEngine()


@cache
def _uv_version() -> str:
    try:
        return processes.run([commands.uv_program(), "--version"]).strip()
    except ProcessFailedError as error:
        raise EngineError(f"the local engine cannot be used: {error}") from error
