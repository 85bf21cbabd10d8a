"""Building an image: a frame from the Dockerfile, packages with their bytecode on top of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound
from docker.models.images import Image
from filelock import FileLock

from harness import places
from harness.engines.docker import archives, compiling, layering
from harness.engines.docker.abilities import Abilities
from harness.engines.docker.layering import Layer
from harness.engines.docker.recipes import Recipe
from harness.environments import bases, bytecode, wheels
from harness.environments.bases import Base
from harness.errors import BuildError
from harness.processes import ProcessFailedError
from harness.protocol import untrusted


def build(client: docker.DockerClient, wanted: Recipe, log: Path, abilities: Abilities) -> None:
    """Build an image; it has its name when it is whole. What is printed goes to `log`.

    Raises:
        BuildError: it did not build, or its base cannot be had.
        LockError: a wheel does not match the lock.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    frame = _frame(client, wanted, log)
    # Within the cache, where the wheels lie: installing can link instead of copying.
    with tempfile.TemporaryDirectory(dir=places.cache("contexts")) as folder:
        site_packages = Path(folder) / "site-packages"
        wheels.install(wanted.lock, site_packages)
        try:
            compiler = compiling.compiler(client, str(frame.id), abilities)
            bytecode.add(wanted.lock, compiler, site_packages, log)
            layer = Layer(
                below=frame,
                folders={wanted.site_packages: site_packages},
                name=wanted.name,
                labels=wanted.labels,
            )
            layering.put(client, layer, log)
        except requests.RequestException:
            # The engine failed: that says nothing about the environment.
            raise
        except (APIError, ProcessFailedError, OSError) as error:
            raise BuildError(_failed(wanted, log, str(error))) from error


def _frame(client: docker.DockerClient, wanted: Recipe, log: Path) -> Image:
    """The image below the packages, built unless it is there."""
    with FileLock(places.cache("images") / f"{wanted.frame.rpartition(':')[2]}.lock"):
        try:
            return client.images.get(wanted.frame)
        except ImageNotFound:
            _require_base(client, wanted.base)
        error = _send(client, wanted, log)
        if error:
            raise BuildError(_failed(wanted, log, error))
        return client.images.get(wanted.frame)


def _failed(wanted: Recipe, log: Path, error: str) -> str:
    return (
        f"{wanted.lock.environment.id}: the image did not build: {error}\n"
        f"{untrusted.tail(log)}\nThe whole log: {log}"
    )


def _require_base(client: docker.DockerClient, base: Base) -> None:
    try:
        client.images.get(base.engine_reference)
        return
    except ImageNotFound:
        pass
    try:
        if base.is_local:
            raise BuildError(_no_base(base, "an image named by its id cannot be pulled"))
        client.images.pull(base.engine_reference)
    except (DockerException, requests.RequestException) as error:
        raise BuildError(_no_base(base, str(error))) from error


def _no_base(base: Base, reason: str) -> str:
    return (
        f"{base.source}: the base {base.reference} is not in the engine and cannot be fetched"
        f" ({reason}); make a registry reachable, load the image, or name another base in a file"
        f" for {bases.BASES_VARIABLE} (dockerfiles/bootstrap-base.sh makes one)"
    )


def _send(client: docker.DockerClient, wanted: Recipe, log: Path) -> str:
    """Build the frame; returns the error, "" where there was none."""
    context = archives.entries({"Dockerfile": wanted.dockerfile}, {})
    try:
        lines = client.api.build(
            fileobj=archives.stream(context),  # type: ignore[arg-type]  # it is sent in pieces
            custom_context=True,
            tag=wanted.frame,
            buildargs=wanted.arguments,
            labels=wanted.frame_labels,
            network_mode="none",
            rm=True,
            forcerm=True,
            decode=True,
            timeout=None,
        )
        return _log(lines, log)
    except APIError as error:
        return str(error)


def _log(lines: Iterator[Mapping[str, Any]], log: Path) -> str:
    error = ""
    with untrusted.open_log(log) as file:
        for line in lines:
            error = str(line.get("error", error))
            file.write(str(line.get("stream", line.get("error", ""))).encode())
            file.flush()
    return error
