"""Finding all that nothing needs, and removing it: nothing of a running sweep, never a record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import docker
import requests
from docker.errors import DockerException

from harness.engines.docker.connection import connect
from harness.errors import EngineError
from harness.upkeep import cached, contained, leftovers, stored
from harness.upkeep.cached import Question
from harness.upkeep.items import Item

IN_USE = "a running harness process uses this cache: environments, wheels and images are kept"


def removable(
    question: Question,
    results: Sequence[Path],
    *,
    alone: bool,
    note: Callable[[str], None],
) -> Iterator[Item]:
    """What may go, and what is disputed. `results` are the folders whose blobs are looked at.

    `alone` says that no other process uses the cache (`scratch.alone`); `note` gets a sentence
    about each thing that could not be looked at.
    """
    client = _client(note)
    if client is not None:
        yield from _asked(contained.abandoned(client), note)
    yield from leftovers.of_killed_sweeps()
    yield from stored.unreferenced(results, question.references.digests, note)
    if not alone:
        note(IN_USE)
        return
    yield from cached.unreferenced(question)
    if client is not None:
        yield from _asked(contained.unreferenced(client, question), note)


def left_behind(note: Callable[[str], None]) -> Iterator[Item]:
    """What killed sweeps left on this host and in the engine."""
    client = _client(note)
    if client is not None:
        yield from _asked(contained.abandoned(client), note)
    yield from leftovers.of_killed_sweeps()


def _client(note: Callable[[str], None]) -> docker.DockerClient | None:
    try:
        return connect()
    except EngineError as error:
        note(f"images and containers are not looked at: {error.problem}")
        return None


def _asked(items: Iterator[Item], note: Callable[[str], None]) -> Iterator[Item]:
    try:
        yield from items
    except (DockerException, requests.RequestException) as error:
        note(f"the Docker Engine failed while it was looked at: {error}")
