"""Images: named by the digest of what goes in, built once, without a network."""

from __future__ import annotations

from pathlib import Path

import docker
import requests
from docker.errors import DockerException, ImageNotFound
from filelock import FileLock

from harness import places, scratch
from harness.engines import outdated
from harness.engines.docker import building
from harness.engines.docker.recipes import BASE, LOCK, Recipe, recipe
from harness.engines.protocol import Image
from harness.environments import bases, users
from harness.environments.lock import Lock
from harness.errors import BuildError, EngineError


def assemble(client: docker.DockerClient, lock: Lock, log: Path, *, rootless: bool) -> Image:
    """The image of this lock, built unless it is there.

    Raises:
        BuildError: it did not build.
        LockError: a wheel does not match the lock.
    """
    scratch.use_cache()
    wanted = recipe(lock)
    users.note_lock(lock, wanted.frame)
    found = _find(client, wanted)
    if found is not None:
        return found
    with FileLock(places.cache("images") / f"{wanted.digest}.lock"):
        # Another process may have built it while this one waited.
        found = _find(client, wanted)
        if found is None:
            building.build(client, wanted, log, rootless=rootless)
            found = _find(client, wanted)
    if found is None:
        raise BuildError(f"{wanted.name}: the engine says it was built, and does not have it")
    return found


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
