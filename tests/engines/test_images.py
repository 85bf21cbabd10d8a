"""Images and virtual environments: what they are made of, and what happens if that fails."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import docker
import pytest
from engines.engine_bench import NUMPY, SIX, Bench, make_lock

from harness import places, trees
from harness.engines.docker import container_owners, layering, recipes
from harness.engines.docker.connection import is_podman
from harness.engines.docker.containers import OWNER_LABEL
from harness.engines.docker.engine import DockerEngine
from harness.engines.local import virtual_environments
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


@pytest.mark.slow
def test_a_lock_with_a_changed_hash_is_refused(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(LockError, match="six"):
        engine.assemble(make_lock(WRONG), tmp_path / "log.txt")


@pytest.mark.slow
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
    assert image.reference.startswith(f"{recipes.REPOSITORY}/{lock.environment.digest}:")
    assert found.labels["reproducibility-harness.environment"] == lock.environment.id
    assert found.labels["reproducibility-harness.lock_sha256"] == lock.sha256
    assert found.labels["reproducibility-harness.python"] == "3.11"
    assert found.labels["org.opencontainers.image.base.digest"] == image.base


LISTED = """
import hashlib, json, os, sys
found = {}
for folder, _, names in os.walk("/opt/environment/lib"):
    for path in (os.path.join(folder, name) for name in names):
        status = os.lstat(path)
        content = hashlib.sha256(open(path, "rb").read()).hexdigest()
        found[path] = [status.st_mode, status.st_uid, status.st_gid, status.st_mtime, content]
json.dump(found, open(output + "/reply.json", "w"))
"""


@pytest.mark.docker
def test_however_packages_are_put_on_top_the_image_holds_the_same(
    docker_engine: DockerEngine,
    docker_client: docker.DockerClient,
    docker_base: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if is_podman(docker_client):
        pytest.skip("Podman takes images in one way only")
    tmp_path.chmod(0o755)
    below = docker_client.images.get(docker_base).attrs["RootFS"]["Layers"]
    listed, labels = [], []
    for way in (layering.loaded, layering.committed):
        monkeypatch.setattr(layering, "put", lambda client, layer, log, way=way: way(client, layer))
        lock = replace(make_lock(NUMPY, SIX), sha256=hashlib.sha256(f"{way}".encode()).hexdigest())
        image = docker_engine.assemble(lock, tmp_path / "log.txt")
        found = docker_client.images.get(image.reference)
        assert found.attrs["RootFS"]["Layers"][: len(below)] == below
        assert not found.labels.pop(OWNER_LABEL, ""), "the image belongs to a process"
        labels.append({k: v for k, v in found.labels.items() if v != lock.sha256})
        listed.append(Bench(docker_engine, image, tmp_path).reply(LISTED))
    assert listed[0] == listed[1]
    assert sum(name.endswith(".pyc") for name in listed[0]) > 100
    assert labels[0] == labels[1]
    assert container_owners.owned(docker_client) == ([], [])


@pytest.mark.docker
def test_an_engine_that_wants_every_layer_gets_the_image_in_another_way(
    docker_engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lower = layering._lower
    # A layer nobody has, and which is not in the archive either.
    monkeypatch.setattr(layering, "_lower", lambda layer: [*lower(layer), f"sha256:{'0' * 64}"])
    lock = replace(make_lock(SIX), sha256=hashlib.sha256(b"every layer").hexdigest())
    image = docker_engine.assemble(lock, tmp_path / "log.txt")
    assert docker_engine.existing(lock) == image


@pytest.mark.docker
def test_images_of_one_python_stand_on_one_frame(
    docker_engine: DockerEngine, docker_client: docker.DockerClient, tmp_path: Path
) -> None:
    locks = [make_lock(SIX), make_lock(NUMPY)]
    names = {recipes.recipe(lock).frame for lock in locks}
    images = [docker_engine.assemble(lock, tmp_path / "log.txt") for lock in locks]
    (frame,) = [docker_client.images.get(name).attrs["RootFS"]["Layers"] for name in names]
    for image in images:
        layers = docker_client.images.get(image.reference).attrs["RootFS"]["Layers"]
        assert layers[:-1] == frame


@pytest.mark.docker
def test_whatever_goes_in_changes_the_images_name(
    docker_engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = recipes.recipe(make_lock(SIX))
    use_bases(monkeypatch, tmp_path, {"3.11": "other@sha256:" + "1" * 64})
    others = [
        recipes.recipe(make_lock(NUMPY)),
        recipes.recipe(make_lock(SIX)),
        replace(recipe, dockerfile=recipe.dockerfile + b"ENV A=1\n"),
    ]
    assert len({one.name for one in [recipe, *others]}) == 4
    assert replace(recipe, dockerfile=b"# A word.\n\n" + recipe.dockerfile).name == recipe.name


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
    is_rootless = docker_bench.engine.describe()["rootless"] == "yes"
    found = docker_bench.reply(
        "import json, os\nstatus = dict(l.split(':', 1) for l in open('/proc/self/status'))\n"
        "json.dump({k: status[k].strip() for k in ('CapEff', 'CapBnd', 'NoNewPrivs', 'Uid')},"
        " open(output + '/reply.json', 'w'))"
    )
    assert int(found["CapEff"], 16) == int(found["CapBnd"], 16) == 0
    assert found["NoNewPrivs"] == "1"
    # Root of a rootless engine's containers is who runs the engine, and here without any power.
    assert (found["Uid"].split()[0] == "0") == is_rootless


@pytest.mark.docker
def test_bytecode_is_in_the_image(docker_bench: Bench) -> None:
    found = docker_bench.reply(
        "import json, os, numpy\n"
        "json.dump(os.path.exists(numpy.__cached__), open(output + '/reply.json', 'w'))"
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
    monkeypatch.setattr(virtual_environments, "FORMAT", 10**6)
    folder = Path(local_engine.assemble(make_lock(SIX), tmp_path / "1.txt").reference)
    trees.unseal(folder)
    (folder / "lib" / "python3.11" / "site-packages" / "six.py").unlink()
    image = local_engine.assemble(make_lock(SIX), tmp_path / "2.txt")
    assert image.reference == str(folder)
    assert (folder / "lib" / "python3.11" / "site-packages" / "six.py").exists()
    virtual_environments.discard(folder)


def test_a_virtual_environment_whose_bytecode_is_gone_is_made_again(
    local_engine: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = make_lock(SIX)
    wheels.gather(lock)
    monkeypatch.setenv(places.CACHE_VARIABLE, str(tmp_path))
    place = wheelhouse.place(SIX)
    place.parent.mkdir(parents=True)
    monkeypatch.undo()
    shutil.copy(wheelhouse.place(SIX), place)
    monkeypatch.setenv(places.CACHE_VARIABLE, str(tmp_path))
    folder = Path(local_engine.assemble(lock, tmp_path / "1.txt").reference)
    shutil.rmtree(tmp_path / "bytecode")
    assert isinstance(local_engine.existing(lock), str)
    assert local_engine.assemble(lock, tmp_path / "2.txt").reference == str(folder)
    compiled = folder / "lib/python3.11/site-packages/__pycache__/six.cpython-311.pyc"
    assert compiled.exists()


def test_another_interpreter_is_another_environment() -> None:
    found = interpreters.find("3.11")
    other = replace(found, build="3.11.0 (other)")
    digests = {virtual_environments.digest(make_lock(SIX), one) for one in (found, other)}
    assert len(digests) == 2


def test_a_gpu_environment_without_cuda_wheels_needs_docker(
    local_engine: LocalEngine, tmp_path: Path
) -> None:
    lock = make_lock(SIX, device="gpu")
    old = replace(lock, environment=replace(lock.environment, tensorflow="2.10.0"))
    with pytest.raises(BuildError, match="--engine docker"):
        local_engine.assemble(old, tmp_path / "log.txt")
