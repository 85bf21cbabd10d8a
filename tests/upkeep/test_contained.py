"""What the Docker Engine holds and nobody needs: containers, images, frames."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import docker
import psutil
import pytest
from engines.engine_bench import SIX, make_lock

from harness.engines.docker import recipes
from harness.engines.docker.containers import OWNER_LABEL
from harness.engines.docker.engine import DockerEngine
from harness.upkeep import contained, items
from harness.upkeep.cached import Question
from harness.upkeep.references import References

EVERYTHING = Question(references=References(), everything=True)

pytestmark = pytest.mark.docker


def test_containers_of_dead_processes_are_found_and_those_of_living_ones_kept(
    docker_client: docker.DockerClient, docker_base: str
) -> None:
    living = f"{platform.node()}/{os.getpid()}/{psutil.Process().create_time():.2f}"
    owners = {"dead": f"{platform.node()}/{os.getpid()}/1.00", "living": living}
    created = {
        name: docker_client.containers.create(docker_base, "true", labels={OWNER_LABEL: owner})
        for name, owner in owners.items()
    }
    try:
        found = {item.name: item for item in contained.abandoned(docker_client)}
        assert str(created["dead"].name) in found and str(created["living"].name) not in found
        assert list(contained.unreferenced(docker_client, EVERYTHING)) == []
        assert found[str(created["dead"].name)].remove() is None
        names = [one.name for one in docker_client.containers.list(all=True)]
        assert created["dead"].name not in names and created["living"].name in names
    finally:
        created["living"].remove(force=True)


def test_images_that_nothing_names_are_found_and_removed(
    docker_engine: DockerEngine, docker_client: docker.DockerClient, tmp_path: Path
) -> None:
    lock = make_lock(SIX, SIX)
    image = docker_engine.assemble(lock, tmp_path / "log")
    short = image.id.removeprefix("sha256:")[:10]

    def mine(known: References) -> list[items.Item]:
        found = contained.unreferenced(docker_client, Question(references=known, everything=False))
        return [item for item in found if short in item.name]

    assert mine(References(images=frozenset({image.reference}))) == []
    assert mine(References(digests=frozenset({image.id.removeprefix("sha256:")}))) == []
    assert mine(References(accounted=frozenset({lock.sha256})))[0].disputed is False
    (item,) = mine(References())
    assert item.disputed
    container = docker_client.containers.create(image.id, "true")
    assert "the Docker Engine refuses" in (item.remove() or "")
    container.remove()
    assert item.remove() is None
    assert isinstance(docker_engine.existing(lock), str)


def test_a_frame_is_kept_for_the_locks_that_would_stand_on_it(
    docker_engine: DockerEngine, docker_client: docker.DockerClient, tmp_path: Path
) -> None:
    lock = make_lock(SIX)
    docker_engine.assemble(lock, tmp_path / "log")
    frame = recipes.recipe(lock).frame

    def names(known: References) -> list[str]:
        found = contained.unreferenced(docker_client, Question(references=known, everything=False))
        return [item.name for item in found if item.name.startswith("frame, Python 3.11, cpu")]

    assert len(names(References())) == 1
    assert names(References(images=frozenset({frame}))) == []
    assert not any(name.startswith("frame") for name in contained.sizes(docker_client))
