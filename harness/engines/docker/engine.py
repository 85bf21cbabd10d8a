"""The docker engine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import docker
import requests
from docker.errors import DockerException

from harness.engines import gpus
from harness.engines.docker import abilities, container_owners, container_run, images, ownership
from harness.engines.docker.connection import connect
from harness.engines.docker.container_run import Running
from harness.engines.protocol import Image, Order, Outcome
from harness.environments import bases
from harness.environments.lock import Lock
from harness.errors import BuildError, EngineError
from harness.matrix.environment import Environment


class DockerEngine:
    """Images and containers, through the engine that `connect` reaches.

    Making one also removes the containers that a killed harness left behind, if `tidy`.

    Raises:
        EngineError: there is no usable engine.
    """

    name = "docker"
    contains = True

    def __init__(self, connect: Callable[[], docker.DockerClient], *, tidy: bool = True) -> None:
        self._connect = connect
        self._threads = threading.local()
        self._running = Running()
        try:
            self._version = self._client.version()
            self._info = self._client.info()
            self._abilities = abilities.of(self._info)
            ownership.require_own_engine(rootless=self._abilities.rootless)
            if tidy:
                container_owners.remove(self._client)
        except (DockerException, requests.RequestException) as error:
            raise EngineError(f"the Docker Engine does not answer: {error}") from error

    @property
    def _client(self) -> docker.DockerClient:
        """A client per thread: the SDK does not promise that threads can share one."""
        client: docker.DockerClient | None = getattr(self._threads, "client", None)
        if client is None:
            client = self._threads.client = self._connect()
        return client

    def describe(self) -> dict[str, str]:
        """Name, versions, and what its containers are kept from."""
        return {
            "name": self.name,
            "version": str(self._version["Version"]),
            "api": str(self._version["ApiVersion"]),
            "cgroups": str(self._info.get("CgroupVersion", "1")),
            "rootless": "yes" if self._abilities.rootless else "no",
            "limits": self._abilities.limits,
            "network": "none",
            "mounts": "read-only",
            "capabilities": "none",
            "seccomp": self._seccomp,
        }

    def unavailable(self, *, device: str) -> str | None:
        """Why this engine cannot serve the device here, None if it can."""
        if device != "gpu":
            return None
        if "nvidia" not in self._info.get("Runtimes", {}) and gpus.absent() is None:
            return (
                "no NVIDIA GPU for containers: the engine has no nvidia runtime; install the"
                " NVIDIA container toolkit and run `nvidia-ctk runtime configure`"
            )
        return gpus.absent()

    def assemble(self, lock: Lock, log: Path) -> Image:
        """The image for this lock, built unless the same input was built before.

        Raises:
            BuildError: it did not build; the message shows the log's last lines and path.
            EngineError: the engine itself failed.
            LockError: a wheel does not match the lock.
        """
        self._require_platform(lock)
        try:
            return images.assemble(self._client, lock, log, self._abilities)
        except (DockerException, requests.RequestException) as error:
            raise EngineError(f"the Docker Engine failed during a build: {error}") from error

    def existing(self, lock: Lock) -> Image | str:
        """The image for this lock if it is there, else why it would be built.

        Raises:
            EngineError: the engine itself failed.
        """
        try:
            return images.existing(self._client, lock)
        except (DockerException, requests.RequestException) as error:
            raise EngineError(f"the Docker Engine does not answer: {error}") from error

    def base(self, environment: Environment) -> str | None:
        """The base an image of this environment would stand on, None where none is pinned."""
        try:
            return bases.base_for(environment).reference
        except BuildError:
            return None

    def run(self, order: Order) -> Outcome:
        """Run to its end; after `cancel` not at all. The container is removed in any case.

        Raises:
            EngineError: the engine itself failed.
        """
        return container_run.run(self._client, order, self._abilities, self._running)

    def cancel(self) -> None:
        """End every order now running, from another thread, and start none from now on."""
        self._running.cancel(self._client)

    def pin(self, tagged: str) -> str:
        """Pull `name:tag` and return its digest, for `bases.renew`.

        Raises:
            EngineError: it cannot be pulled.
        """
        return images.pin(self._client, tagged)

    @property
    def _seccomp(self) -> str:
        """The profile that the engine gives its containers: default, another's name, or none."""
        for option in self._info.get("SecurityOptions") or []:
            parts = dict(part.partition("=")[::2] for part in option.split(","))
            if parts.get("name") == "seccomp":
                profile = parts.get("profile", "default")
                return "default" if profile == "builtin" else profile
        return "none"

    def _require_platform(self, lock: Lock) -> None:
        platform = f"{self._info['OSType']}/{self._info['Architecture']}"
        if platform not in {"linux/x86_64", "linux/amd64"}:
            raise BuildError(
                f"{lock.path}: this lock serves x86-64 Linux, and the Docker Engine is {platform};"
                f" let DOCKER_HOST name an engine on x86-64 Linux"
            )


def make(*, tidy: bool) -> DockerEngine:
    """The engine that `DOCKER_HOST` names, or the one at the usual socket.

    Raises:
        EngineError: it is absent, stopped, not permitted or too old.
    """
    return DockerEngine(connect, tidy=tidy)
