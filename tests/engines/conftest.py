"""Both engines, and a bench to run small programs on them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import docker
import pytest
from engine_bench import NUMPY, Bench, make_lock

from harness.engines.docker.connection import connect
from harness.engines.protocol import Engine, Image


@functools.cache
def image_of(engine: Engine, log: Path) -> Image:
    return engine.assemble(make_lock(NUMPY), log)


@pytest.fixture(params=["local", pytest.param("docker", marks=pytest.mark.docker)])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn."""
    found: Engine = request.getfixturevalue(f"{request.param}_engine")
    return found


@pytest.fixture(scope="session")
def build_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("build") / "build.log"


@pytest.fixture
def bench(engine: Engine, build_log: Path, tmp_path: Path) -> Bench:
    # World-readable: in a container root's runners are another user.
    tmp_path.chmod(0o755)
    return Bench(engine, image_of(engine, build_log), tmp_path)


@pytest.fixture
def docker_only(bench: Bench) -> Bench:
    """The bench of the docker engine, for promises that only containers make."""
    if bench.engine.name != "docker":
        pytest.skip("a promise of containers; the local engine does not make it")
    return bench


@pytest.fixture
def docker_connect() -> Callable[[], docker.DockerClient]:
    """How the docker engine is reached."""
    return connect
