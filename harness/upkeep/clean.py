"""Finding all that nothing needs, and removing it: nothing of a running sweep, never a record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import docker
import requests
from docker.errors import DockerException

from harness.engines.docker.connection import connect
from harness.errors import EngineError
from harness.upkeep import cached, contained, leftovers, stored
from harness.upkeep.items import Item
from harness.upkeep.references import References

IN_USE = "a running harness process uses this cache: environments, wheels and images are kept"
NOTHING_KNOWN = (
    "no lock and no record was looked at, so what the caches hold is not judged; name the folder "
    "of your matrices, or take --all"
)


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What is judged. `everything`: also what is referred to, as all can be made again.

    `results` are the folders whose blobs are looked at.
    """

    known: References
    results: Sequence[Path]
    everything: bool


def found(scope: Scope, *, alone: bool, note: Callable[[str], None]) -> Iterator[Item]:
    """What may go. `alone` says that no other process uses the cache (`scratch.alone`).

    `note` gets a sentence about each thing that could not be looked at.
    """
    client = _client(note)
    if client is not None:
        yield from _asked(contained.abandoned(client), note)
    yield from leftovers.found()
    yield from stored.unreferenced(scope.results, scope.known.digests)
    if not alone:
        note(IN_USE)
    elif not (scope.known.locks or scope.known.records or scope.everything):
        note(NOTHING_KNOWN)
    else:
        yield from cached.unreferenced(scope.known, everything=scope.everything)
        if client is not None:
            images = contained.unreferenced(client, scope.known, everything=scope.everything)
            yield from _asked(images, note)


def left_behind(note: Callable[[str], None]) -> Iterator[Item]:
    """What killed sweeps left on this host and in the engine."""
    client = _client(note)
    if client is not None:
        yield from _asked(contained.abandoned(client), note)
    yield from leftovers.found()


def _client(note: Callable[[str], None]) -> docker.DockerClient | None:
    try:
        return connect()
    except EngineError as error:
        note(f"images and containers are not looked at: {str(error).partition(';')[0]}")
        return None


def _asked(items: Iterator[Item], note: Callable[[str], None]) -> Iterator[Item]:
    try:
        yield from items
    except (DockerException, requests.RequestException) as error:
        note(f"the Docker Engine failed while it was looked at: {error}")
