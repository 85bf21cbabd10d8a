"""Both engines, and a bench to run small programs on them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import docker
import pytest
from engines.engine_bench import NUMPY, Bench, make_lock

from harness.engines.docker.connection import connect
from harness.engines.docker.engine import DockerEngine
from harness.engines.local.engine import LocalEngine
from harness.engines.protocol import Engine, Image


@functools.cache
def image_of(engine: Engine, log: Path) -> Image:
    return engine.assemble(make_lock(NUMPY), log)


def another(engine: Engine) -> Engine:
    """An engine of the same kind, so that a test may cancel it for good."""
    return LocalEngine() if engine.name == "local" else DockerEngine(connect)


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
    image = image_of(engine, build_log)  # type: ignore[arg-type]
    return Bench(another(engine), image, tmp_path)


@pytest.fixture
def local_bench(local_engine: LocalEngine, build_log: Path, tmp_path: Path) -> Bench:
    """A bench on the local engine, for what only that one has."""
    return Bench(local_engine, image_of(local_engine, build_log), tmp_path)


@pytest.fixture
def docker_bench(docker_engine: DockerEngine, build_log: Path, tmp_path: Path) -> Bench:
    """A bench on the docker engine, for promises that only containers make."""
    tmp_path.chmod(0o755)
    return Bench(docker_engine, image_of(docker_engine, build_log), tmp_path)


@pytest.fixture
def docker_connect() -> Callable[[], docker.DockerClient]:
    """How the docker engine is reached."""
    return connect
