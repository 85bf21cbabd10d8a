"""What lies in the Docker Engine and serves nobody: images, and containers of killed sweeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import docker
import requests
from docker.errors import DockerException
from docker.models.containers import Container
from docker.models.images import Image

from harness.engines.docker import container_owners, recipes
from harness.upkeep.cached import Question
from harness.upkeep.items import Item
from harness.upkeep.references import References

LEFT = "its harness process was killed"


def unreferenced(client: docker.DockerClient, question: Question) -> Iterator[Item]:
    """The images that no reference needs, or all of ours; bases are nobody's but the person's.

    None is offered while a living harness process has a container: its sweep may need them all.
    """
    _, living = container_owners.owned(client)
    if living:
        return
    shared = _shared_bytes(client)
    for name, image in [*_labelled(client, recipes.ENVIRONMENT), *_frames(client)]:
        if question.everything or not _is_needed(image, question.references):
            names = (str(image.labels.get(recipes.LOCK)), *image.tags)
            yield Item(
                kind="image",
                name=f"{name} ({image.short_id.partition(':')[2]})",
                size=int(image.attrs["Size"]) - shared.get(str(image.id), 0),
                why=question.why(*names),
                disputed=question.is_disputed(*names),
                remove=_removing(client, image),
            )


def abandoned(client: docker.DockerClient) -> Iterator[Item]:
    """The containers whose harness process on this host lives no more."""
    dead, _ = container_owners.owned(client)
    for container in dead:
        yield Item(
            kind="container",
            name=str(container.name),
            size=0,
            why=LEFT,
            remove=_ending(container),
        )


def sizes(client: docker.DockerClient) -> dict[str, int]:
    """What the image of each environment, by its id, takes in bytes without what it shares."""
    shared = _shared_bytes(client)
    return {
        name: int(image.attrs["Size"]) - shared.get(str(image.id), 0)
        for name, image in _labelled(client, recipes.ENVIRONMENT)
    }


def _labelled(client: docker.DockerClient, label: str) -> list[tuple[str, Image]]:
    """The images with this label, each with what it says."""
    return [(one.labels[label], one) for one in client.images.list(filters={"label": label})]


def _frames(client: docker.DockerClient) -> list[tuple[str, Image]]:
    found = _labelled(client, recipes.FRAME)
    return [(name, image) for name, image in found if recipes.ENVIRONMENT not in image.labels]


def _is_needed(image: Image, references: References) -> bool:
    named = not references.images.isdisjoint(image.tags)
    recorded = str(image.id).removeprefix("sha256:") in references.digests
    return named or recorded or image.labels.get(recipes.LOCK) in references.stale


def _shared_bytes(client: docker.DockerClient) -> dict[str, int]:
    """What each image shares with others: removing it does not set that free."""
    listed = client.df().get("Images") or []
    return {str(one["Id"]): max(int(one.get("SharedSize", 0)), 0) for one in listed}


def _removing(client: docker.DockerClient, image: Image) -> Callable[[], str | None]:
    def remove() -> str | None:
        # Not by force: the engine refuses while a container uses it.
        for name in image.tags or [str(image.id)]:
            client.images.remove(name)
        return None

    return _in_words(remove)


def _ending(container: Container) -> Callable[[], str | None]:
    def end() -> str | None:
        container.remove(force=True, v=True)
        return None

    return _in_words(end)


def _in_words(remove: Callable[[], str | None]) -> Callable[[], str | None]:
    def removed() -> str | None:
        try:
            return remove()
        except (DockerException, requests.RequestException) as error:
            return f"the Docker Engine refuses: {error}"

    return removed
