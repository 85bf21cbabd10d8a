"""Images and virtual environments: what they are made of, and what happens if that fails."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import docker
import pytest
from engine_bench import NUMPY, SIX, Bench, make_lock

from harness import places
from harness.engines.docker import images
from harness.engines.docker.engine import DockerEngine
from harness.engines.local import environments
from harness.engines.local.engine import LocalEngine
from harness.engines.protocol import Engine
from harness.environments import bases, interpreters, wheelhouse, wheels
from harness.environments.lock import Package
from harness.errors import BuildError, EngineError, LockError

WRONG = Package(name="six", version="1.16.0", file=SIX.file, sha256="0" * 64)


def use_bases(monkeypatch: pytest.MonkeyPatch, folder: Path, cpu: dict[str, str]) -> Path:
    file = folder / "other-bases.yaml"
    file.write_text(json.dumps({"schema": 1, "cpu": cpu}))
    monkeypatch.setenv(bases.BASES_VARIABLE, str(file))
    return file


def test_a_lock_with_a_changed_hash_is_refused(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(LockError, match="six"):
        engine.assemble(make_lock(WRONG), tmp_path / "log.txt")


def test_a_wheel_swapped_in_the_cache_is_not_installed(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(places.CACHE_VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    lock = make_lock(replace(SIX, sha256="1" * 64))
    wheel = wheelhouse.place(lock.packages[0])
    wheel.parent.mkdir(parents=True, exist_ok=True)
    wheel.write_bytes(b"something else")
    with pytest.raises((LockError, BuildError)):
        engine.assemble(lock, tmp_path / "log.txt")
    assert not list((tmp_path / "cache" / "environments").glob("*/complete.json"))


@pytest.mark.docker
def test_an_image_says_what_it_is(
    docker_engine: DockerEngine, docker_client: docker.DockerClient, tmp_path: Path
) -> None:
    lock = make_lock(SIX)
    image = docker_engine.assemble(lock, tmp_path / "log.txt")
    found = docker_client.images.get(image.reference)
    assert image.reference.startswith(f"{images.REPOSITORY}/{lock.environment.digest}:")
    assert found.labels["reproducibility-harness.environment"] == lock.environment.id
    assert found.labels["reproducibility-harness.lock_sha256"] == lock.sha256
    assert found.labels["reproducibility-harness.python"] == "3.11"
    assert found.labels["org.opencontainers.image.base.digest"] == image.base


@pytest.mark.docker
def test_whatever_goes_in_changes_the_images_name(
    docker_engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = images.recipe(make_lock(SIX))
    use_bases(monkeypatch, tmp_path, {"3.11": "other@sha256:" + "1" * 64})
    others = [
        images.recipe(make_lock(NUMPY)),
        images.recipe(make_lock(SIX)),
        replace(recipe, dockerfile=recipe.dockerfile + b"#"),
    ]
    assert len({one.name for one in [recipe, *others]}) == 4
    assert replace(recipe).name == recipe.name


@pytest.mark.docker
def test_a_failed_build_shows_its_last_lines_and_its_log(
    docker_engine: DockerEngine,
    docker_base: str,
    docker_client: docker.DockerClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_bases(monkeypatch, tmp_path, {"3.12": docker_base})
    log = tmp_path / "log.txt"
    with pytest.raises(BuildError) as failure:
        docker_engine.assemble(make_lock(SIX, python="3.12"), log)
    assert "the base has Python 3.11, the environment needs 3.12" in str(failure.value)
    assert str(log) in str(failure.value)
    assert "FROM" in log.read_text()
    assert docker_client.containers.list(all=True, filters={"status": "exited"}) == []


@pytest.mark.docker
def test_a_base_that_cannot_be_had_is_named(
    docker_engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = use_bases(monkeypatch, tmp_path, {"3.11": "sha256:" + "a" * 64})
    with pytest.raises(BuildError) as failure:
        docker_engine.assemble(make_lock(SIX), tmp_path / "log.txt")
    assert str(file) in str(failure.value)
    assert bases.BASES_VARIABLE in str(failure.value)


@pytest.mark.docker
def test_a_base_whose_registry_is_out_of_reach_is_named(
    docker_engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_bases(monkeypatch, tmp_path, {"3.11": "localhost:1/base:x@sha256:" + "a" * 64})
    with pytest.raises(BuildError, match="cannot be fetched"):
        docker_engine.assemble(make_lock(SIX), tmp_path / "log.txt")


@pytest.mark.docker
def test_a_pin_that_cannot_be_renewed_is_named(docker_engine: DockerEngine) -> None:
    with pytest.raises(EngineError, match="localhost:1/base:x"):
        docker_engine.pin("localhost:1/base:x")


@pytest.mark.docker
def test_the_container_is_nobody_without_any_power(docker_bench: Bench) -> None:
    found = docker_bench.reply(
        "import json, os\nstatus = dict(l.split(':', 1) for l in open('/proc/self/status'))\n"
        "json.dump({k: status[k].strip() for k in ('CapEff', 'CapBnd', 'NoNewPrivs', 'Uid')},"
        " open(exchange + '/reply.json', 'w'))"
    )
    assert int(found["CapEff"], 16) == int(found["CapBnd"], 16) == 0
    assert found["NoNewPrivs"] == "1"
    assert found["Uid"].split()[0] != "0"


@pytest.mark.docker
def test_links_do_not_lead_out_of_the_exchange_folder(docker_bench: Bench) -> None:
    order = docker_bench.order(
        "import os\nos.symlink('/etc/shadow', exchange + '/weights.npz')\n"
        "os.mkfifo(exchange + '/pipe')\nopen(exchange + '/reply', 'w')"
    )
    docker_bench.engine.run(order)
    assert [path.name for path in order.exchange.iterdir()] == ["reply"]


@pytest.mark.docker
def test_bytecode_is_in_the_image(docker_bench: Bench) -> None:
    found = docker_bench.reply(
        "import json, os, numpy\n"
        "json.dump(os.path.exists(numpy.__cached__), open(exchange + '/reply.json', 'w'))"
    )
    assert found is True


def test_bytecode_is_in_the_virtual_environment(local_engine: LocalEngine, tmp_path: Path) -> None:
    image = local_engine.assemble(make_lock(NUMPY), tmp_path / "log.txt")
    folder = Path(image.reference) / "lib" / "python3.11" / "site-packages" / "numpy"
    assert (folder / "__pycache__" / "__init__.cpython-311.pyc").exists()


def test_a_half_made_virtual_environment_is_made_again(
    local_engine: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels.gather(make_lock(SIX))
    monkeypatch.setattr(environments, "FORMAT", 10**6)
    folder = Path(local_engine.assemble(make_lock(SIX), tmp_path / "1.txt").reference)
    (folder / environments.COMPLETE).unlink()
    (folder / "lib" / "python3.11" / "site-packages" / "six.py").unlink()
    image = local_engine.assemble(make_lock(SIX), tmp_path / "2.txt")
    assert image.reference == str(folder)
    assert (folder / "lib" / "python3.11" / "site-packages" / "six.py").exists()
    environments.discard(folder)


def test_another_interpreter_is_another_environment() -> None:
    found = interpreters.find("3.11")
    other = replace(found, build="3.11.0 (other)")
    assert environments.digest(make_lock(SIX), found) != environments.digest(make_lock(SIX), other)


def test_a_gpu_environment_without_cuda_wheels_needs_docker(
    local_engine: LocalEngine, tmp_path: Path
) -> None:
    lock = make_lock(SIX, device="gpu")
    old = replace(lock, environment=replace(lock.environment, tensorflow="2.10.0"))
    with pytest.raises(BuildError, match="--engine docker"):
        local_engine.assemble(old, tmp_path / "log.txt")
