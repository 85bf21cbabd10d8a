"""Images: named by the digest of what goes in, built once, without a network."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound
from filelock import FileLock

from harness import places, scratch
from harness.engines import outdated
from harness.engines.docker import contexts
from harness.engines.protocol import Image
from harness.environments import bases, wheels
from harness.environments.bases import Base
from harness.environments.lock import Lock
from harness.errors import BuildError, EngineError
from harness.processes import tail_of

REPOSITORY = "reproducibility-harness"
LABEL = "reproducibility-harness"
ENVIRONMENT, LOCK, BASE = (f"{LABEL}.{name}" for name in ("environment", "lock_sha256", "base"))
FORMAT = 1
"""Counts up when images are built in another way than the Dockerfile shows."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that goes into an image."""

    lock: Lock
    base: Base
    dockerfile: bytes

    @property
    def digest(self) -> str:
        """The digest of everything that decides what the image holds."""
        parts = {
            "format": FORMAT,
            "base": self.base.engine_reference,
            "lock": self.lock.sha256,
            "dockerfile": hashlib.sha256(self.dockerfile).hexdigest(),
            "arguments": self.arguments,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @property
    def name(self) -> str:
        """Repository and tag."""
        return f"{REPOSITORY}/{self.lock.environment.digest}:{self.digest}"

    @property
    def arguments(self) -> dict[str, str]:
        """The Dockerfile's ARGs."""
        return {"BASE": self.base.engine_reference, "PYTHON": self.lock.environment.python}

    @property
    def labels(self) -> dict[str, str]:
        """What the image says of itself."""
        environment = self.lock.environment
        return {
            "org.opencontainers.image.title": environment.id,
            "org.opencontainers.image.description": "An environment for reproducibility runs",
            "org.opencontainers.image.base.name": self.base.reference,
            "org.opencontainers.image.base.digest": self.base.digest,
            ENVIRONMENT: environment.id,
            LOCK: self.lock.sha256,
            BASE: self.base.reference,
            f"{LABEL}.tensorflow": environment.tensorflow,
            f"{LABEL}.python": environment.python,
        }


def recipe(lock: Lock) -> Recipe:
    """What the image of this lock is made of.

    Raises:
        BuildError: there is no pinned base for it.
    """
    dockerfile = places.dockerfiles() / f"{lock.environment.device}.Dockerfile"
    return Recipe(
        lock=lock, base=bases.base_for(lock.environment), dockerfile=dockerfile.read_bytes()
    )


def assemble(client: docker.DockerClient, lock: Lock, log: Path) -> Image:
    """The image of this lock, built unless it is there.

    Raises:
        BuildError: it did not build.
        LockError: a wheel does not match the lock.
    """
    scratch.use_cache()
    wanted = recipe(lock)
    found = _find(client, wanted)
    if found is not None:
        return found
    with FileLock(places.cache("images") / f"{wanted.digest}.lock"):
        # Another process may have built it while this one waited.
        return _find(client, wanted) or _build(client, wanted, log)


def held(client: docker.DockerClient, lock: Lock) -> Image | str:
    """The image of this lock if it is there, else why it would be built."""
    try:
        wanted = recipe(lock)
    except BuildError as error:
        return str(error)
    found = _find(client, wanted)
    if found is not None:
        return found
    others = client.images.list(name=wanted.name.partition(":")[0])
    newest = sorted(others, key=lambda image: str(image.attrs.get("Created")), reverse=True)
    made = [{"lock": i.labels.get(LOCK, ""), "base": i.labels.get(BASE, "")} for i in newest]
    return outdated.reason({"lock": lock.sha256, "base": wanted.base.reference}, made, kind="image")


def pin(client: docker.DockerClient, tagged: str) -> str:
    """Pull `name:tag` and return the digest it has now, `sha256:…`.

    Raises:
        EngineError: it cannot be pulled.
    """
    repository = bases.untagged(tagged)
    try:
        image = client.images.pull(repository, tag=tagged.rpartition(":")[2])
    except (DockerException, requests.RequestException) as error:
        raise EngineError(f"{tagged}: cannot be pulled, so its pin is not renewed: {error}") from (
            error
        )
    digests = [text.partition("@")[2] for text in image.attrs.get("RepoDigests", [])]
    if not digests:
        raise EngineError(f"{tagged}: the engine gives no digest for it; was it built locally?")
    return str(digests[0])


def _find(client: docker.DockerClient, wanted: Recipe) -> Image | None:
    try:
        found = client.images.get(wanted.name)
    except ImageNotFound:
        return None
    return Image(
        engine="docker",
        id=str(found.id),
        reference=wanted.name,
        base=wanted.base.reference,
        lock=wanted.lock,
    )


def _build(client: docker.DockerClient, wanted: Recipe, log: Path) -> Image:
    _require_base(client, wanted.base)
    log.parent.mkdir(parents=True, exist_ok=True)
    # Within the cache, where the wheels lie: installing can link instead of copying.
    with tempfile.TemporaryDirectory(dir=places.cache("contexts")) as folder:
        site_packages = Path(folder) / "site-packages"
        site_packages.mkdir()
        wheels.install(wanted.lock, site_packages)
        error = _send(client, wanted, site_packages, log)
    built = None if error else _find(client, wanted)
    if built is None:
        raise BuildError(
            f"{wanted.lock.environment.id}: the image did not build: {error}\n"
            f"{tail_of(log)}\nThe whole log: {log}"
        )
    return built


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


def _send(client: docker.DockerClient, wanted: Recipe, site_packages: Path, log: Path) -> str:
    """Build; returns the error, "" where there was none."""
    context = contexts.stream({"Dockerfile": wanted.dockerfile}, {"site-packages": site_packages})
    try:
        lines = client.api.build(
            fileobj=context,  # type: ignore[arg-type]  # it is sent chunk by chunk
            custom_context=True,
            tag=wanted.name,
            buildargs=wanted.arguments,
            labels=wanted.labels,
            network_mode="none",
            rm=True,
            forcerm=True,
            decode=True,
            # No limit between two lines: copying a gigabyte prints nothing.
            timeout=None,
        )
        return _log(lines, log)
    except APIError as error:
        return str(error)


def _log(lines: Iterator[Mapping[str, Any]], log: Path) -> str:
    error = ""
    with log.open("a", encoding="utf-8") as file:
        for line in lines:
            error = str(line.get("error", error))
            file.write(str(line.get("stream", line.get("error", ""))))
            file.flush()
    return error
