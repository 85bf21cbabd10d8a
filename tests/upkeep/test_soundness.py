"""`harness check --environments`, and what `doctor` says: each byte that changed is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import docker
import pytest
from commands import harness
from engines.engine_bench import SIX, make_lock

from harness import places
from harness.engines.docker import images
from harness.engines.docker.engine import DockerEngine
from harness.engines.local.engine import LocalEngine
from harness.environments import bytecode, wheelhouse, wheels
from harness.executors import staging
from harness.upkeep import soundness, state_checks
from harness.upkeep.checks import Need

INSIDE = "lib/python3.11/site-packages"


@pytest.fixture
def environment(
    tmp_path: Path, home: Path, local_engine: LocalEngine, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """An environment in a cache that has everything of it: wheel, bytecode, and a runner."""
    monkeypatch.delenv(places.CACHE_VARIABLE)
    wheels.gather(make_lock(SIX))
    wheel = wheelhouse.place(SIX)
    monkeypatch.setenv(places.CACHE_VARIABLE, str(home / "cache"))
    wheelhouse.place(SIX).parent.mkdir(parents=True)
    shutil.copy(wheel, wheelhouse.place(SIX))
    staging.stage()
    return Path(local_engine.assemble(make_lock(SIX), tmp_path / "log").reference)


def one_byte(path: Path) -> Path:
    content = path.read_bytes()
    with path.open("r+b") as file:
        file.write(content[:-1] + bytes([content[-1] ^ 1]))
    return path


CHANGES: dict[str, Callable[[Path], Path]] = {
    "environment": lambda folder: one_byte(folder / INSIDE / "six.py"),
    "bytecode": lambda folder: one_byte(
        next(bytecode.root().glob("*/*/__pycache__/six.cpython-311.pyc"))
    ),
    "wheel": lambda folder: one_byte(wheelhouse.place(SIX)),
    "runner": lambda folder: one_byte(staging.stage().root / "harness/runner/hashing.py"),
}


def need(home: Path) -> Need:
    return Need(engine="local", results=home / "results", memory=1)


def test_all_that_is_as_it_was_made_is_ok(environment: Path, home: Path) -> None:
    ended = harness("check", "--environments")
    assert ended.code == 0, ended.err
    said = " ".join(ended.out.split())
    assert "ok; 1 bytecode, 1 environment, 1 runner, 1 wheel" in said
    assert [one.state for one in state_checks.environments(need(home))] == ["ok"]


@pytest.mark.parametrize("kind", CHANGES)
def test_a_byte_that_changed_is_named_with_what_to_do(
    kind: str, environment: Path, home: Path
) -> None:
    path = CHANGES[kind](environment)
    ended = harness("check", "--environments")
    said = ended.err.replace("\n", "").replace(" ", "")
    assert ended.code == 4, ended.err
    assert str(path) in said and "harnessbuilddoesitnow" in said
    (check,) = [one for one in state_checks.environments(need(home)) if one.state != "ok"]
    assert (check.state, check.exit_code) == ("look", 0) and str(path) in check.found
    assert check.to_do


def test_a_copy_of_the_runner_that_was_edited_is_copied_anew(
    environment: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    staged = staging.stage()
    one_byte(staged.root / "harness/runner/hashing.py")
    (staged.root / "numpy.py").touch()
    assert staging.stage() == staged and staging.change(staged.root) is None
    assert not (staged.root / "numpy.py").exists()
    assert "the copy of the runner is made anew" in " ".join(capfd.readouterr().err.split())


def test_only_what_a_matrix_uses_is_read(environment: Path, home: Path) -> None:
    one_byte(environment / INSIDE / "six.py")
    ended = harness("check", "--environments", "small.yaml")
    assert ended.code == 0 and "ok; 1 bytecode, 1 runner, 1 wheel" in " ".join(ended.out.split())


@pytest.mark.slow
def test_without_a_path_something_must_be_asked_for() -> None:
    ended = harness("check")
    assert ended.code == 2 and "--environments" in ended.err


@pytest.mark.docker
def test_an_image_that_another_took_the_name_of_is_built_again(
    docker_engine: DockerEngine,
    docker_client: docker.DockerClient,
    docker_base: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    lock = replace(make_lock(SIX), sha256="5" * 64)
    image = docker_engine.assemble(lock, tmp_path / "log")
    repository, _, tag = image.reference.partition(":")
    try:
        docker_client.images.get(docker_base).tag(repository, tag)
        (part,) = [
            part
            for part in soundness.parts([lock], thorough=True, note=lambda text: None)
            if part.kind == "image"
        ]
        assert "it had the id" in (part.change() or "")
        again = docker_engine.assemble(lock, tmp_path / "log")
        assert "it is built anew" in " ".join(capfd.readouterr().err.split())
        assert (
            docker_client.images.get(again.id).labels == docker_client.images.get(image.id).labels
        )
        assert part.change() is None or again.id != image.id
    finally:
        docker_client.images.remove(image.reference, force=True)
    assert images.noted()
