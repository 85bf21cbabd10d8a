"""The same matrix in containers and on the local engine: equal locks, equal bits."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import docker
import pytest
from commands import harness

from harness.engines.docker.containers import OWNER_LABEL
from harness.engines.docker.engine import DockerEngine

DATA = Path(__file__).parents[1] / "data" / "matrices"
pytestmark = [pytest.mark.docker, pytest.mark.tensorflow]

Hashes = dict[tuple[str, int], tuple[str, str, str]]


def sweep(matrix: Path, results: Path, engine: str, *more: str) -> Path:
    ended = harness("run", matrix, "--engine", engine, "--results", results, *more)
    assert ended.code == 0, ended.err
    return results


@pytest.mark.parametrize("isolation", ["fresh", "forked", "auto"])
def test_containers_leave_the_bits_of_local_processes(
    matrix: Path,
    tmp_path: Path,
    docker_engine: DockerEngine,
    docker_client: docker.DockerClient,
    one_by_one: Hashes,
    hashes: Callable[[Path], Hashes],
    isolation: str,
) -> None:
    found = hashes(sweep(matrix, tmp_path / "results", "docker", "--isolation", isolation))
    assert found == one_by_one
    assert not docker_client.containers.list(all=True, filters={"label": OWNER_LABEL})


def test_a_second_environment_has_an_image_of_its_own_and_the_same_bits_too(
    tmp_path: Path, docker_engine: DockerEngine, hashes: Callable[[Path], Hashes]
) -> None:
    matrix = Path(shutil.copy(DATA / "small.yaml", tmp_path))
    shutil.copytree(DATA / "locks", tmp_path / "locks")
    only = ("--only", "*,tf2.12.1,*threads=1,*")
    local, contained = (
        hashes(sweep(matrix, tmp_path / engine, engine, *only)) for engine in ("local", "docker")
    )
    assert len(local) == 4
    assert local == contained
