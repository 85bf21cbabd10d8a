"""What an engine is: it assembles environments and runs the runner in them.

Every implementation passes the same behaviour suite (`tests/engines`). An engine that fails
raises `EngineError` or `BuildError`; a training that fails is an `Outcome`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from harness.environments.lock import Lock
from harness.matrix.environment import Environment


@dataclass(frozen=True, kw_only=True)
class Image:
    """An environment ready to run: a Docker image, or a virtual environment.

    `id` is the image id or `venv-` and the digest of what went in; `reference` is what the engine
    needs to find it again (an image tag, a folder); `base` names the base image with its digest,
    or the interpreter's version and build.
    """

    engine: str
    id: str
    reference: str
    base: str
    lock: Lock


@dataclass(frozen=True, kw_only=True)
class Order:
    """One process for an engine: `python -m harness.runner CONTROL OUTPUT DATA` inside `image`.

    `root` is a folder that holds a package `harness`, and becomes the working directory, read-only.
    `control` and `data` are mounted read-only, `output` writable; nothing else of the host is
    visible in a container. `variables` are set before the process starts, on top of the engine's
    own minimum. `cpus` are the numbers of the host CPUs it may use, `memory` its limit in bytes,
    `timeout` seconds until it and all its children are killed. What it prints goes to `log`, which
    lies in none of these folders: the process must have no way to a file that the host writes.
    """

    image: Image
    root: Path
    data: Path
    control: Path
    output: Path
    log: Path
    cpus: tuple[int, ...]
    memory: int
    timeout: float
    variables: Mapping[str, str]
    gpu: bool = False


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How the process ended. `exit_code` is negative for a signal, as in `subprocess`.

    `cause` is `exited`, or who ended it: `timeout` (the harness), `out_of_memory` (the memory
    limit), `killed` (a signal from elsewhere, or another limit, which `reason` then names).
    """

    cause: Literal["exited", "timeout", "out_of_memory", "killed"]
    exit_code: int
    seconds: float
    reason: str = ""


class Engine(Protocol):
    """Assembles images and runs orders in them. Thread-safe: orders may run side by side.

    `contains` says that code of a stranger can be run in it: the process sees nothing of the
    host's files but what the order mounts, and no network.
    """

    name: str
    contains: bool

    def describe(self) -> dict[str, str]:
        """Name, version and settings that belong into every record."""
        ...

    def unavailable(self, *, device: str) -> str | None:
        """Why this engine cannot serve the device here ("no NVIDIA GPU…"), None if it can."""
        ...

    def assemble(self, lock: Lock, log: Path) -> Image:
        """The image for this lock, built unless the same input was built before.

        What the build prints goes to `log`.

        Raises:
            BuildError: it did not build; the message shows the log's last lines and path.
            EngineError: the engine itself failed.
        """
        ...

    def existing(self, lock: Lock) -> Image | str:
        """The image for this lock if it is there, else why it would be built; nothing is made.

        The reason names what changed since an older image of the same environment, if there is one.
        """
        ...

    def base(self, environment: Environment) -> str | None:
        """The `Image.base` an image of this environment would get, None if that is not known yet.

        Nothing is fetched to find out.
        """
        ...

    def run(self, order: Order) -> Outcome:
        """Run to its end. On KeyboardInterrupt or any exception nothing is left running."""
        ...

    def cancel(self) -> None:
        """End every order now running, from another thread, and start none from now on.

        Each `run`, under way or later, returns with the cause `killed`.
        """
        ...


class Make(Protocol):
    """How an engine is made: the function `make` in its module."""

    def __call__(self, *, tidy: bool) -> Engine:
        """The engine; `tidy` removes what a killed harness left running in it.

        Raises:
            EngineError: it cannot be used here; the message says what to do.
        """
        ...
