"""Rows about environments: a virtual environment and images, from wheels that are in the cache."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uv

from benchmarks import measuring
from benchmarks.measuring import Result, clocked, command
from benchmarks.results import LOCKS
from harness import places
from harness.engines.docker.connection import connect
from harness.engines.docker.engine import DockerEngine
from harness.engines.local import environments as local
from harness.environments import bases, interpreters, locking, wheels
from harness.environments.lock import Lock
from harness.matrix.environment import Environment

PYTHON = "3.11"
"""That of the base that needs no registry."""

FOUR = ("2.12.1", "2.13.1", "2.14.1", "2.15.1")

_SHARED = ("wheels", "built")
"""What of the cache is used as it is; environments and images are made anew."""


def lock_of(tensorflow: str) -> Lock:
    """The lock of a TensorFlow version, as it lies in the repository."""
    environment = Environment(
        python=PYTHON, tensorflow=tensorflow, numpy=None, keras=None, device="cpu"
    )
    return locking.read(locking.path_of(environment, LOCKS), environment)


@contextmanager
def _own_cache(folder: Path) -> Iterator[None]:
    """A cache of our own, on the same disk, that shares only wheels with the real one."""
    real = places.cache()
    with tempfile.TemporaryDirectory(dir=real, prefix="benchmark-") as own:
        for name in _SHARED:
            (Path(own) / name).symlink_to(places.cache(name))
        before = os.environ.get(places.CACHE_VARIABLE)
        os.environ[places.CACHE_VARIABLE] = own
        try:
            yield
        finally:
            os.environ.pop(places.CACHE_VARIABLE)
            if before is not None:
                os.environ[places.CACHE_VARIABLE] = before


def local_environment(folder: Path, times: int) -> list[Result]:
    """The local engine's virtual environment against one made by hand with uv's warm cache."""
    lock = lock_of(FOUR[-1])
    wheels.gather(lock)
    python = interpreters.find(PYTHON).path
    by_hand = folder / "by-hand"
    variables = {**os.environ, "UV_CACHE_DIR": str(folder / "uv")}

    def install(*options: str) -> float:
        shutil.rmtree(by_hand, ignore_errors=True)
        program = uv.find_uv_bin()
        into = ("--python", str(by_hand / "bin" / "python"))
        arguments = ("pip", "install", "-q", *into, "--require-hashes", "-r", str(lock.path))
        return clocked(
            lambda: (
                command(program, "venv", "-q", "--python", str(python), str(by_hand)),
                command(program, *arguments, *options, variables=variables),
            )
        )

    def ours() -> float:
        shutil.rmtree(local.root(), ignore_errors=True)
        return clocked(lambda: local.assemble(lock, folder / "build.log"))

    measuring.say("  filling both caches")
    install()
    with _own_cache(folder):
        ours()
        theirs, mine = measuring.alternately(lambda: install("--offline"), ours, times)
    compiled = [install("--offline", "--compile-bytecode") for _ in range(times)]
    row = measuring.at_most(
        "local environment from the cache, bytecode compiled",
        "`uv venv` + `uv pip install` by hand, uv's cache warm",
        theirs,
        mine,
        1.2,
    )
    told = measuring.at_most(
        row.what, f"{row.against}, with `--compile-bytecode`", compiled, mine, 1.2
    )
    return [row, told]


_DOCKERFILE = """\
FROM {base}
RUN python3 -m venv /opt/environment
COPY wheels /wheels
COPY requirements.txt /
RUN /opt/environment/bin/pip install --no-index --no-deps --find-links /wheels -r /requirements.txt
"""


def four_images(folder: Path, times: int) -> list[Result]:
    """Four images from wheels in the cache against a plain Dockerfile with `pip install`."""
    client, engine = connect(), DockerEngine(connect)
    locks = [lock_of(version) for version in FOUR]
    for lock in locks:
        wheels.gather(lock)

    def ours() -> float:
        for lock in locks:
            for image in client.images.list(name=f"*/{lock.environment.digest}"):
                client.images.remove(image.id, force=True)
        return clocked(lambda: [engine.assemble(lock, folder / "build.log") for lock in locks])

    contexts = [_context(folder / lock.environment.id, lock) for lock in locks]

    def theirs() -> float:
        return clocked(lambda: [_plainly_built(context) for context in contexts])

    naive, mine = measuring.alternately(theirs, ours, times)
    return [
        measuring.faster(
            f"{len(locks)} TensorFlow images, wheels in the cache",
            "the same with a plain `pip install` Dockerfile, wheels in its context",
            naive,
            mine,
            3,
        )
    ]


def _context(folder: Path, lock: Lock) -> Path:
    """A folder for `docker build`: a Dockerfile, the lock's wheels and its pins."""
    (folder / "wheels").mkdir(parents=True, exist_ok=True)
    for package in lock.packages:
        source = wheels.wheel_of(package)
        shutil.copy(source, folder / "wheels" / source.name)
    pins = "".join(f"{package.name}=={package.version}\n" for package in lock.packages)
    (folder / "requirements.txt").write_text(pins)
    base = bases.base_for(lock.environment).engine_reference
    (folder / "Dockerfile").write_text(_DOCKERFILE.format(base=base))
    return folder


def _plainly_built(context: Path) -> None:
    command("docker", "build", "-q", "--no-cache", "--network", "none", "-t", "naive", str(context))
