"""Rows about environments: a virtual environment and images, from wheels that are in the cache."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

import pytest
import uv

from benchmarks import measuring
from benchmarks.measuring import Result, clocked, command
from benchmarks.results import LOCKS
from harness import places
from harness.engines import parallel_assembly
from harness.engines.docker import archives, recipes
from harness.engines.docker.connection import connect
from harness.engines.docker.engine import DockerEngine
from harness.engines.local import virtual_environments as local
from harness.environments import bases, bytecode, interpreters, locking, wheels
from harness.environments.lock import Lock
from harness.errors import HarnessError
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
    with tempfile.TemporaryDirectory(dir=folder, prefix="by-hand-") as made:

        def by_hand(*options: str) -> float:
            target = Path(tempfile.mkdtemp(dir=made)) / "environment"
            return clocked(lambda: _installed_by_hand(lock, python, target, folder, options))

        def ours() -> float:
            # Out of the way, and not deleted: see `measuring.settle`.
            local.root().rename(Path(tempfile.mkdtemp(dir=places.cache())) / "environments")
            return clocked(lambda: local.assemble(lock, folder / "build.log"))

        measuring.say("  filling both caches")
        by_hand()
        with _own_cache(folder):
            ours()
            measuring.settle()
            theirs, mine = measuring.alternately(lambda: by_hand("--offline"), ours, times)
            compiled = [by_hand("--offline", "--compile-bytecode") for _ in range(times)]
    what = "local environment from the cache, bytecode compiled"
    against = "`uv venv` + `uv pip install` by hand, uv's cache warm"
    return [
        measuring.at_most(what, against, theirs, mine, 1.2),
        measuring.at_most(what, f"{against}, with `--compile-bytecode`", compiled, mine, 1.2),
    ]


def _installed_by_hand(
    lock: Lock, python: Path, target: Path, folder: Path, options: Sequence[str]
) -> None:
    program, variables = uv.find_uv_bin(), {**os.environ, "UV_CACHE_DIR": str(folder / "uv")}
    command(program, "venv", "-q", "--python", str(python), str(target))
    into = ("--python", str(target / "bin" / "python"))
    arguments = ("pip", "install", "-q", *into, "--require-hashes", "-r", str(lock.path))
    command(program, *arguments, *options, variables=variables)


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
    contexts = {lock: _context(folder / lock.environment.id, lock) for lock in locks}
    numbers = itertools.count(1)
    before = {str(image.id) for image in client.images.list()}

    def ours() -> float:
        with _as_never_before(next(numbers)):
            return clocked(lambda: _built(engine, locks, folder))

    def theirs() -> float:
        number = next(numbers)
        return clocked(lambda: _all_plainly_built(contexts, number))

    try:
        measuring.settle()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bytecode, "FORMAT", f"benchmark {os.getpid()}")
            compiling = ours()
        measuring.say(f"  with the bytecode still to compile: {compiling:.1f} s")
        naive, mine = measuring.alternately(theirs, ours, times)
    finally:
        for image in client.images.list():
            if str(image.id) not in before:
                client.images.remove(str(image.id), force=True)
    row = measuring.faster(
        f"{len(locks)} TensorFlow images, wheels in the cache, bytecode compiled before",
        "the same with a plain `pip install` Dockerfile, wheels in its context",
        naive,
        mine,
        3,
    )
    ratio = median(naive) / compiling
    note = f"with the bytecode still to compile: {compiling:.1f} s, {ratio:.2f} times faster"
    return [replace(row, notes=(note,))]


def _built(engine: DockerEngine, locks: Sequence[Lock], folder: Path) -> None:
    """All of them, as `harness build` does."""
    of = {lock.environment: lock for lock in locks}
    logs = {lock: folder / f"{lock.environment.id}.log" for lock in locks}
    for _, found in parallel_assembly.assembled(
        of, of.__getitem__, lambda lock: engine.assemble(lock, logs[lock])
    ):
        if isinstance(found, HarnessError):
            raise found


@contextmanager
def _as_never_before(number: int) -> Iterator[None]:
    """Make images and layers that the engine has not seen yet; none need be deleted for that."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "FORMAT", f"benchmark {number}")
        patch.setattr(archives, "MODIFIED", archives.MODIFIED + 60 * number)
        yield


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


def _all_plainly_built(contexts: Mapping[Lock, Path], number: int) -> None:
    for lock, context in contexts.items():
        _plainly_built(context, f"naive:{lock.environment.digest}-{number}")


def _plainly_built(context: Path, name: str) -> None:
    options = ("-q", "--no-cache", "--network", "none", "-t", name)
    command("docker", "build", *options, str(context))
