"""The same matrix in containers and on the local engine: equal locks, equal bits."""

from __future__ import annotations

import shutil
from pathlib import Path

import docker
import pytest
from commands import harness

import harness as program
from harness.engines.docker.engine import DockerEngine
from harness.engines.docker.leftovers import OWNER_LABEL

DATA = Path(__file__).parents[1] / "data" / "matrices"
pytestmark = [pytest.mark.docker, pytest.mark.tensorflow]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("both")
    shutil.copy(DATA / "small.yaml", folder)
    shutil.copytree(DATA / "locks", folder / "locks")
    return folder


def hashes(folder: Path, engine: str, isolation: str) -> dict[tuple[str, int], tuple[str, ...]]:
    results = folder / f"{engine}-{isolation}"
    ended = harness(
        "run",
        folder / "small.yaml",
        "--engine",
        engine,
        "--results",
        results,
        "--isolation",
        isolation,
        "--only",
        "*threads=1*",
        "--only",
        "co2-conv,tf2.15.1*",
    )
    assert ended.code == 0, ended.err
    frame = program.load(results)
    frame = frame[frame["status"] != "pending"]
    assert set(frame["status"]) == {"completed"} and set(frame["engine"]) == {engine}
    return {
        (row.cell, row.repeat): (row.init_sha256, row.weights_sha256, row.predictions_sha256)
        for row in frame.itertuples()
    }


def test_containers_and_virtual_environments_leave_the_same_bits(
    folder: Path, docker_engine: DockerEngine, docker_client: docker.DockerClient
) -> None:
    local = hashes(folder, "local", "fresh")
    assert len(local) == 10
    assert len({cell.split(",")[1] for cell, _ in local}) == 2, "two environments"
    for isolation in ("fresh", "forked", "auto"):
        assert hashes(folder, "docker", isolation) == local
    assert not docker_client.containers.list(all=True, filters={"label": OWNER_LABEL})
