"""Images: named by the digest of what goes in, built once, without a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import docker
import requests
from docker.errors import DockerException, ImageNotFound
from filelock import FileLock

from harness import console, places, scratch
from harness.engines import outdated
from harness.engines.docker import image_builds
from harness.engines.docker.abilities import Abilities
from harness.engines.docker.recipes import BASE, LOCK, Recipe, recipe
from harness.engines.protocol import Image
from harness.environments import bases, users
from harness.environments.lock import Lock
from harness.errors import BuildError, EngineError
from harness.protocol import files, untrusted

_LARGEST_NOTE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Noted:
    """An image as it was when it was built here: its name, its id and its labels."""

    name: str
    id: str
    labels: Mapping[str, str]


def assemble(client: docker.DockerClient, lock: Lock, log: Path, abilities: Abilities) -> Image:
    """The image of this lock, built unless it is there as it was built.

    Raises:
        BuildError: it did not build.
        LockError: a wheel does not match the lock.
        UsageError: the cache cannot be written.
    """
    scratch.use_cache()
    wanted = recipe(lock)
    users.note_lock(lock, wanted.frame)
    path = places.cache("images") / f"{wanted.digest}.lock"
    with places.written(path), FileLock(path):
        found = _sound(client, wanted)
        if found is None:
            image_builds.build(client, wanted, log, abilities)
            found = _find(client, wanted)
            _note(client, wanted)
    if found is None:
        raise BuildError(f"{wanted.name}: the engine says it was built, and does not have it")
    return found


def noted() -> list[Noted]:
    """The images that were built here, as they were then."""
    found = (_read(path) for path in sorted(places.cache("images").glob("*.json")))
    return [one for one in found if one is not None]


def change(client: docker.DockerClient, one: Noted) -> str | None:
    """What of an image is not as it was built, None where all is, or there is none."""
    try:
        image = client.images.get(one.name)
    except ImageNotFound:
        return None
    if image.id != one.id:
        return f"{one.name}: it had the id {one.id[7:19]}, and now it is {str(image.id)[7:19]}"
    other = [name for name, value in one.labels.items() if image.labels.get(name) != value]
    return f"{one.name}: it had another label {other[0]}" if other else None


def _sound(client: docker.DockerClient, wanted: Recipe) -> Image | None:
    """The image, if it is what was built; one that nothing is noted of, if its labels say so."""
    found = _find(client, wanted)
    if found is None:
        return None
    expected = _read(_note_of(wanted)) or Noted(name=wanted.name, id=found.id, labels=wanted.labels)
    changed = change(client, expected)
    if changed:
        console.note(f"{changed}; it is built anew")
        return None
    _note(client, wanted)
    return found


def _note_of(wanted: Recipe) -> Path:
    return places.cache("images") / f"{wanted.digest}.json"


def _note(client: docker.DockerClient, wanted: Recipe) -> None:
    image, path = client.images.get(wanted.name), _note_of(wanted)
    built = Noted(name=wanted.name, id=str(image.id), labels=dict(wanted.labels))
    if _read(path) != built:
        files.write_json(path, asdict(built))


def _read(path: Path) -> Noted | None:
    try:
        found = untrusted.read_json(path, _LARGEST_NOTE)
        return Noted(name=str(found["name"]), id=str(found["id"]), labels=dict(found["labels"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def existing(client: docker.DockerClient, lock: Lock) -> Image | str:
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
