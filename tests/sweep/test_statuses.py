"""What ends runs from outside, seen up to the record; the rest of the sweep goes on."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import docker
import psutil
import pytest
from commands import harness, start
from docker.models.containers import Container

from harness.analysis import run_table
from harness.engines.docker.containers import OWNER_LABEL
from harness.engines.docker.engine import DockerEngine
from harness.environments import bases
from harness.results.reading import read_record
from harness.results.record import Failure

pytestmark = pytest.mark.tensorflow

Sweep = subprocess.Popen[str]

LONG = "*epochs=10000*"
"""The run that is ended from outside; it would take minutes."""


@pytest.fixture
def long_and_short(matrix: Path) -> Path:
    """A matrix of one run that takes minutes and one that takes a second."""
    text = matrix.read_text().replace("[mnist-mlp, co2-conv]", "mnist-mlp")
    text = text.replace("epochs: 1", "epochs: [10000, 1]").replace("threads: [1, 2]", "threads: 1")
    matrix.write_text(text.replace("determinism: [off, on]", "determinism: off"))
    return matrix


def started(matrix: Path, results: Path, engine: str) -> Sweep:
    return start("run", matrix, "--engine", engine, "--results", results, "--isolation", "forked")


def soon(sweep: Sweep, find: Callable[[], object], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not find():
        assert sweep.poll() is None and time.monotonic() < deadline, "it does not happen"
        time.sleep(0.1)


def is_runner(process: psutil.Process) -> bool:
    try:
        return "-m harness.runner" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


def runners(sweep: Sweep) -> list[psutil.Process]:
    """The runner's processes, the warm one first, then the run that goes on."""
    return [one for one in psutil.Process(sweep.pid).children(recursive=True) if is_runner(one)]


def shorts(results: Path) -> list[Path]:
    return list(results.glob("*/*/*epochs=1,*/1.json"))


def statuses(results: Path) -> dict[str, str]:
    frame = run_table.runs(results)
    return dict(zip(frame["epochs"], frame["status"] + ": " + frame["reason"], strict=True))


def failures(results: Path) -> dict[str, Failure]:
    """What the records keep of runs that did not complete, by status."""
    records = (read_record(path) for path in results.glob("*/*/*/1.json"))
    return {found.status: found.failure for found in records if found and found.failure}


def ended(sweep: Sweep) -> str:
    _, err = sweep.communicate(timeout=180)
    assert sweep.returncode == 7 and "Traceback" not in err, err
    return err


KILLED = {"10000": "killed: a signal from outside ended the process", "1": "completed: "}


def test_a_training_that_raises_keeps_its_error_and_the_end_of_its_log(
    matrix: Path, tmp_path: Path
) -> None:
    text = matrix.read_text().replace("[mnist-mlp, co2-conv]", "mnist-augmented")
    text = text.replace("[1, 2]", "1\n  seeding: none\n  jit: on\n  eager: [off, on]")
    matrix.write_text(text.replace("determinism: [off, on]", "determinism: on"))
    results = tmp_path / "results"
    done = harness("run", matrix, "--engine", "local", "--results", results)
    assert done.code == 7 and "Traceback" not in done.err, done.err
    found = failures(results)
    assert set(found) == {"failed", "unsupported"}
    assert found["failed"].type == "RuntimeError" and "seed" in found["failed"].message
    assert "Traceback" in found["failed"].traceback and found["failed"].log
    assert "a model that runs eagerly" in found["unsupported"].message


@pytest.mark.parametrize("which", [0, -1], ids=["runner", "child"])
def test_a_runner_or_its_child_killed_is_recorded_and_the_rest_goes_on(
    long_and_short: Path, tmp_path: Path, which: int
) -> None:
    results = tmp_path / "results"
    sweep = started(long_and_short, results, "local")
    soon(sweep, lambda: shorts(results) and len(runners(sweep)) > 1)
    runners(sweep)[which].kill()
    assert "killed" in ended(sweep)
    assert statuses(results) == KILLED
    kept = failures(results)["killed"]
    assert (kept.type, kept.message) == ("killed", "a signal from outside ended the process")
    plan = harness("plan", long_and_short, "--results", results, "--only", LONG, "--format", "csv")
    assert ",run,last time killed:" in plan.out


@pytest.mark.docker
def test_a_container_killed_is_recorded_and_the_rest_goes_on(
    long_and_short: Path,
    tmp_path: Path,
    docker_engine: DockerEngine,
    docker_client: docker.DockerClient,
) -> None:
    results = tmp_path / "results"
    sweep = started(long_and_short, results, "docker")

    def containers() -> list[Container]:
        return docker_client.containers.list(filters={"label": OWNER_LABEL})

    soon(sweep, lambda: shorts(results) and containers())
    containers()[0].kill()
    assert "killed" in ended(sweep)
    assert statuses(results) == KILLED
    assert not containers()


@pytest.mark.docker
def test_a_container_that_the_kernel_ends_for_its_memory_is_recorded_as_such(
    long_and_short: Path, tmp_path: Path, docker_engine: DockerEngine
) -> None:
    results = tmp_path / "results"
    arguments = ("--engine", "docker", "--results", results, "--isolation", "fresh")
    done = harness("run", long_and_short, *arguments, "--memory", "150M")
    assert done.code == 7 and "out_of_memory" in done.err, done.err
    assert set(statuses(results).values()) == {"out_of_memory: needed more than 0.1 GiB"}
    assert failures(results)["out_of_memory"].type == "out_of_memory"


@pytest.mark.docker
def test_an_image_that_does_not_build_is_recorded_with_its_log(
    long_and_short: Path,
    tmp_path: Path,
    docker_client: docker.DockerClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    empty = docker_client.api.import_image_from_data(b"", repository="harness-test-empty")
    try:
        image = docker_client.images.get("harness-test-empty").id
        (tmp_path / "bases.yaml").write_text(f'schema: 1\ncpu:\n  "3.11": {image}\n')
        monkeypatch.setenv(bases.BASES_VARIABLE, str(tmp_path / "bases.yaml"))
        results = tmp_path / "results"
        done = harness("run", long_and_short, "--engine", "docker", "--results", results)
    finally:
        docker_client.images.remove("harness-test-empty", force=True)
    assert done.code == 6 and "Traceback" not in done.err, (done.err, empty)
    found = statuses(results)
    assert set(found) == {"10000", "1"}
    assert all(told.startswith("unavailable: not built: ") for told in found.values()), found
    logs = list(results.glob("*/*/logs/*.build.log"))
    assert len(logs) == 1 and str(logs[0]) in done.err
