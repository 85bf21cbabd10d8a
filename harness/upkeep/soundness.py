"""Whether environments, and all that they are made of, are what was made and fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import docker
import requests
from docker.errors import DockerException

from harness import places, trees
from harness.engines.docker import images, recipes
from harness.engines.docker.connection import connect
from harness.engines.local import virtual_environments
from harness.environments import bytecode, interpreters, source_builds, wheelhouse
from harness.environments.lock import Lock
from harness.errors import BuildError, EngineError
from harness.executors import staging


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing in the cache or the engine. `change` says what of it is not as it was made.

    What is changed is never used, but made anew when it is needed next.
    """

    kind: str
    name: str
    change: Callable[[], str | None]


def parts(
    locks: Sequence[Lock] | None, *, thorough: bool, note: Callable[[str], None]
) -> Iterator[Part]:
    """What these locks use, or all that is there; what is not there is left out.

    `thorough` reads every file; else what has not been touched since it was checked is believed.
    `note` gets a sentence about what could not be looked at.
    """
    yield from _virtual_environments(locks, thorough)
    yield from _bytecode(locks, thorough)
    yield from _wheels(locks, thorough)
    yield from _runners()
    yield from _images(locks, note)


def _virtual_environments(locks: Sequence[Lock] | None, thorough: bool) -> Iterator[Part]:
    for folder in sorted(virtual_environments.root().iterdir()):
        made = virtual_environments.made_of(folder)
        if made and (locks is None or folder.name in set(_digests(locks))):
            change = partial(trees.change, folder, thorough=thorough)
            name = f"{made.get('environment')} ({folder.name[:8]})"
            yield Part(kind="environment", name=name, change=change)


def _digests(locks: Sequence[Lock]) -> Iterator[str]:
    for lock in locks:
        interpreter = interpreters.present(lock.environment.python)
        if interpreter is not None:
            yield virtual_environments.digest(lock, interpreter)


def _files_of(locks: Sequence[Lock] | None) -> set[str] | None:
    return None if locks is None else {one.sha256 for lock in locks for one in lock.packages}


def _bytecode(locks: Sequence[Lock] | None, thorough: bool) -> Iterator[Part]:
    wanted = _files_of(locks)
    for folder in sorted(bytecode.root().glob("*/*")):
        named = wanted is None or folder.name.partition("-")[0] in wanted
        if named and bytecode.is_whole(folder):
            change = partial(trees.change, folder, thorough=thorough)
            yield Part(kind="bytecode", name=folder.name[:8], change=change)


def _wheels(locks: Sequence[Lock] | None, thorough: bool) -> Iterator[Part]:
    wanted = _files_of(locks)
    downloaded = wheelhouse.root().glob(f"{'[0-9a-f]' * 64}/[!.]*")
    pairs = [(path, path.parent.name) for path in downloaded]
    built = places.cache("built").glob("*/*.whl")
    pairs += [(path, source_builds.noted_sha256(path) or "") for path in built]
    for path, sha256 in sorted(pairs):
        if wanted is None or path.parent.name.partition("-")[0] in wanted:
            change = partial(_changed_file, path, sha256, thorough)
            yield Part(kind="wheel", name=path.name, change=change)


def _changed_file(path: Path, sha256: str, thorough: bool) -> str | None:
    try:
        same = trees.sha256_of(path) == sha256 if thorough else wheelhouse.matches(path, sha256)
    except OSError as error:
        return f"{path}: {error.strerror}"
    return None if same else f"{path}: changed"


def _runners() -> Iterator[Part]:
    for folder in sorted(places.cache("runners").iterdir()):
        # Copies of older versions were laid out in another way.
        if (folder / "harness").is_dir():
            change = partial(staging.change, folder)
            yield Part(kind="runner", name=folder.name[:8], change=change)


def _images(locks: Sequence[Lock] | None, note: Callable[[str], None]) -> Iterator[Part]:
    noted = images.noted()
    if locks is not None:
        wanted = set(_names(locks))
        noted = [one for one in noted if one.name in wanted]
    if not noted:
        return
    try:
        client = connect()
    except EngineError as error:
        note(f"{len(noted)} images are not looked at: {error.problem}")
        return
    for one in noted:
        yield Part(kind="image", name=one.name, change=partial(_changed_image, client, one))


def _names(locks: Sequence[Lock]) -> Iterator[str]:
    for lock in locks:
        try:
            yield recipes.recipe(lock).name
        except BuildError:
            continue


def _changed_image(client: docker.DockerClient, one: images.Noted) -> str | None:
    try:
        return images.change(client, one)
    except (DockerException, requests.RequestException) as error:
        return f"{one.name}: the Docker Engine does not answer: {error}"
