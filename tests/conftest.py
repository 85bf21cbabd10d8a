"""What tests of several packages share: their tiers, and the two engines, ready to run."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import docker
import pytest
import slurm_node
from fuzzing import seeds

from harness.engines.docker.connection import connect
from harness.engines.docker.engine import DockerEngine
from harness.engines.local.engine import LocalEngine
from harness.environments import bases
from harness.errors import EngineError

REQUIRE_DOCKER = "HARNESS_REQUIRE_DOCKER"
REQUIRE_SLURM = "HARNESS_REQUIRE_SLURM"
BASE = "reproducibility-harness-base:bookworm"
BASE_PYTHON = "3.11"
TIERS = ("tensorflow", "docker", "slurm", "browser", "network", "slow")
"""What keeps a test out of the quick tier."""

BY_FIXTURE = {
    "docker_client": "docker",
    "slurm": "slurm",
    "browser": "browser",
    "local_engine": "network",
}
"""What a test needs because a fixture of this name, of its own or of another one, needs it."""

BOOTSTRAP = Path(__file__).parent.parent / "dockerfiles" / "bootstrap-base.sh"


def pytest_sessionstart() -> None:
    """Started in the background of a shell, Python would ignore the interrupts that tests send."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    """By which number today's fuzzing can be done again."""
    return f"fuzzing: {seeds.AGAIN}"


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Every test that needs nothing special is quick."""
    for item in items:
        for fixture in set(getattr(item, "fixturenames", ())) & BY_FIXTURE.keys():
            item.add_marker(BY_FIXTURE[fixture])
        if not any(item.get_closest_marker(tier) for tier in TIERS):
            item.add_marker("quick")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """How the workers of pytest-xdist, where it is installed, share the tests."""
    from worker_scheduling import EnginesTogether

    return EnginesTogether(config, log)


@pytest.fixture(scope="session")
def local_engine() -> LocalEngine:
    """The local engine."""
    return LocalEngine()


@pytest.fixture(scope="session")
def docker_client() -> docker.DockerClient:
    """A client of the Docker Engine; the test is skipped, or fails, where none answers."""
    try:
        return connect()
    except EngineError as error:
        no_docker(str(error))


@pytest.fixture(scope="session")
def docker_base(docker_client: docker.DockerClient) -> str:
    """The image id of a Debian base with Python 3.11, made once and kept in the engine."""
    if not docker_client.images.list(name=BASE):
        done = subprocess.run(
            [str(BOOTSTRAP), "bookworm", BASE], capture_output=True, text=True, check=False
        )
        if done.returncode:
            no_docker(f"no base could be made: {done.stderr[-2000:]}")
    return str(docker_client.images.get(BASE).id)


@pytest.fixture(scope="session")
def docker_engine(
    docker_base: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DockerEngine]:
    """The docker engine, with a base for Python 3.11 that needs no registry."""
    file = tmp_path_factory.mktemp("bases") / "bases.yaml"
    file.write_text(f'schema: 1\ncpu:\n  "{BASE_PYTHON}": {docker_base}\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(bases.BASES_VARIABLE, str(file))
        yield DockerEngine(connect)


@pytest.fixture(scope="session")
def slurm() -> Iterator[slurm_node.Node]:
    """A SLURM with this machine as its node; the test is skipped, or fails, where it cannot be."""
    reason = slurm_node.missing()
    if reason and os.environ.get(REQUIRE_SLURM) == "1":
        pytest.fail(f"{REQUIRE_SLURM}=1, and {reason}")
    if reason:
        pytest.skip(reason)
    with slurm_node.started() as node:
        yield node


def no_docker(reason: str) -> NoReturn:
    """Skip with the reason; a failure where Docker is required."""
    if os.environ.get(REQUIRE_DOCKER) == "1":
        pytest.fail(f"{REQUIRE_DOCKER}=1, and {reason}")
    pytest.skip(reason)
