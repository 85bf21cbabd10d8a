"""Putting packages on top of an image as one layer: an image has their files once, not thrice.

A build from a Dockerfile would get them as its context, copy them, and read them again to make a
layer of them. https://github.com/moby/docker-image-spec says what an image archive is made of.
"""

from __future__ import annotations

import datetime
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import ImageLoadError
from docker.models.images import Image

from harness.engines.docker import archives, container_owners
from harness.engines.docker.archives import Entry
from harness.engines.docker.containers import OWNER_LABEL
from harness.protocol import untrusted

_LAYER = "layer.tar"


@dataclass(frozen=True, kw_only=True)
class Layer:
    """The folders to put on top of the image `below`, by absolute path; what the result is called.

    `labels` come on top of those that `below` has.
    """

    below: Image
    folders: Mapping[str, Path]
    name: str
    labels: Mapping[str, str]

    @property
    def entries(self) -> list[Entry]:
        """The members of its archive."""
        return archives.entries(
            {}, {path.lstrip("/"): folder for path, folder in self.folders.items()}
        )


def put(client: docker.DockerClient, layer: Layer, log: Path) -> None:
    """Make the image in the quickest way that this engine has; why not in that one, goes to `log`.

    Raises:
        docker.errors.APIError: the engine did not take it.
    """
    with _patient(client):
        # Others (containerd's image store, Podman's) want to be given the lower layers once more.
        if client.info()["Driver"] == "overlay2":
            try:
                loaded(client, layer)
                return
            except ImageLoadError as refusal:
                with untrusted.open_log(log) as file:
                    file.write(f"not loaded, so committed: {refusal}\n".encode())
        committed(client, layer)


@contextmanager
def _patient(client: docker.DockerClient) -> Iterator[None]:
    """No limit between two answers: writing a gigabyte says nothing."""
    before = client.api.timeout
    client.api.timeout = None  # type: ignore[assignment]
    try:
        yield
    finally:
        client.api.timeout = before


def loaded(client: docker.DockerClient, layer: Layer) -> None:
    """Load an image whose lower layers the engine has already; they are not in the archive."""
    client.images.load(_archive(layer))  # type: ignore[arg-type]  # it is sent chunk by chunk


def committed(client: docker.DockerClient, layer: Layer) -> None:
    """Fill a container that never starts, and make an image of it: any engine can do that."""
    repository, _, tag = layer.name.partition(":")
    container = client.containers.create(
        str(layer.below.id),
        command=layer.below.attrs["Config"].get("Cmd") or ["true"],
        network_mode="none",
        labels={OWNER_LABEL: container_owners.owner()},
    )
    try:
        container.put_archive("/", archives.stream(layer.entries))
        container.commit(repository, f"{tag}-unlabelled")
    finally:
        container.remove(force=True, v=True)
    _label(client, f"{repository}:{tag}-unlabelled", layer)
    client.images.remove(f"{repository}:{tag}-unlabelled")


def _label(client: docker.DockerClient, unlabelled: str, layer: Layer) -> None:
    """Name and label an image by a build, which every engine does alike; commits differ in that."""
    # The owner was that of the container: an image has none.
    client.images.build(
        fileobj=io.BytesIO(f"FROM {unlabelled}\n".encode()),
        labels={**layer.labels, OWNER_LABEL: ""},
        tag=layer.name,
        network_mode="none",
        rm=True,
        forcerm=True,
    )


def _archive(layer: Layer) -> Iterator[bytes]:
    """The image archive. Its layer is hashed on the way, and what names it comes last."""
    digest, entries = hashlib.sha256(), layer.entries
    size = archives.length(entries)
    yield archives.header(_LAYER, size=size)
    yield from archives.padded(size, _hashed(archives.stream(entries), digest))
    config = json.dumps(_config(layer, f"sha256:{digest.hexdigest()}")).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    # The engine reads no layer that it has from the archive, whatever its name there.
    layers = [f"{number}.tar" for number, _ in enumerate(_lower(layer))]
    manifest = [{"Config": name, "RepoTags": [layer.name], "Layers": [*layers, _LAYER]}]
    texts = {name: config, "manifest.json": json.dumps(manifest).encode()}
    yield from archives.stream(archives.entries(texts, {}))


def _hashed(pieces: Iterator[bytes], digest: hashlib._Hash) -> Iterator[bytes]:
    for piece in pieces:
        digest.update(piece)
        yield piece


def _lower(layer: Layer) -> list[str]:
    found: list[str] = layer.below.attrs["RootFS"]["Layers"]
    return found


def _config(layer: Layer, digest: str) -> dict[str, Any]:
    below = layer.below.attrs
    layers = [*_lower(layer), digest]
    now = datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")
    labels = {**(below["Config"].get("Labels") or {}), **layer.labels}
    return {
        "architecture": below["Architecture"],
        "os": below["Os"],
        "created": now,
        "config": {**below["Config"], "Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": layers},
        "history": [{"created": now, "created_by": "reproducibility-harness"} for _ in layers],
    }
