"""Checks of the room a sweep needs: on the disk, in the memory, in the results folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
from packaging.version import Version

from harness import places
from harness.engines.local import virtual_environments
from harness.engines.protocol import Engine
from harness.environments import wheelhouse
from harness.environments.lock import Lock
from harness.errors import BuildError, EngineError, UsageError
from harness.matrix import environment
from harness.matrix.environment import Environment
from harness.upkeep import checks, items
from harness.upkeep.checks import Check, Need

ASSUMED = {"cpu": 2_000_000_000, "gpu": 8_000_000_000}
"""What an environment takes where nothing was measured here yet, in bytes: a CPU environment of
TensorFlow 2.4 to 2.21 took 0.9 to 1.9 GB, and CUDA brings several more."""

HEADROOM = 0.8
"""The share of the memory now available that runs may plan with."""


def disk(need: Need, engine: Engine) -> Iterator[Check]:
    """Whether what must be made fits on the disk, from the sizes of what was made before."""
    folder = min(_folders(engine), key=lambda path: shutil.disk_usage(path).free)
    free = shutil.disk_usage(folder).free
    missing = [one for one in need.environments if not _is_made(one, need, engine)]
    measured = _measured(engine)
    wanted = sum(_expected(one, measured) for one in missing) + _wheels(need.locks, len(missing))
    room = f"{items.readable(free)} free at {folder}"
    if not need.environments:
        yield checks.ok("disk", room)
    elif not missing:
        yield checks.ok("disk", f"{room}; every environment is made")
    elif wanted < free:
        text = f"{len(missing)} environments to make take about {items.readable(wanted)}"
        yield checks.ok("disk", f"{room}; {text}")
    else:
        yield checks.blocks(
            "disk",
            BuildError(
                f"{room}, and {len(missing)} environments to make take about "
                f"{items.readable(wanted)}",
                remedy=f"free some (harness clean), or let {places.CACHE_VARIABLE} name a folder"
                " on another disk",
            ),
        )


def memory(need: Need) -> Iterator[Check]:
    """How many runs fit into the memory side by side."""
    fits = fitting(need.memory)
    free = items.readable(psutil.virtual_memory().available)
    room = f"{free} available, a run may use {items.readable(need.memory)}"
    if fits:
        yield checks.ok("memory", f"{room}: {fits} fit side by side")
    else:
        yield checks.look(
            "memory", f"{room}: not one fits", "end other programs, or give less with --memory"
        )


def fitting(memory: int) -> int:
    """How many runs of so many bytes fit into the memory that is available now."""
    return int(psutil.virtual_memory().available * HEADROOM // memory)


def results(need: Need) -> Iterator[Check]:
    """Whether records can be written."""
    folder = need.results.absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        free = items.readable(shutil.disk_usage(there).free)
        yield checks.ok("results", f"{folder} can be written, {free} free")
    else:
        remedy = "give another folder with --results"
        error = UsageError(f"{there}: cannot be written", remedy=remedy)
        yield checks.blocks("results", error)


def _folders(engine: Engine) -> list[Path]:
    """Where environments go: through the cache, and into an engine's own folder if it is here."""
    if engine.name != "docker":
        return [places.cache()]
    # Docker's client takes a third of a second to import, and a sweep asks only what fits.
    from harness.engines.docker.connection import connect

    try:
        own = Path(str(connect().info().get("DockerRootDir")))
    except EngineError:
        return [places.cache()]
    return [places.cache(), *([own] if own.is_dir() else [])]


def _is_made(one: Environment, need: Need, engine: Engine) -> bool:
    lock = need.lock(one)
    return isinstance(lock, Lock) and not isinstance(engine.existing(lock), str)


def _wheels(locks: Iterable[Lock], missing: int) -> int:
    """The bytes to be fetched: as many per environment as those that are here took."""
    packages = {package.sha256: package for lock in locks for package in lock.packages}
    files = [wheelhouse.place(package) for package in packages.values()]
    sizes = [path.stat().st_size for path in files if path.exists()]
    absent = len(packages) - len(sizes)
    mean = sum(sizes) // len(sizes) if sizes else 0
    return absent * mean if sizes else missing * min(ASSUMED.values()) // 4


def _expected(one: Environment, measured: dict[Environment, Path | int]) -> int:
    """What the environment takes: as much as the one of the nearest TensorFlow version here."""
    alike = [other for other in measured if other.device == one.device]
    if not alike:
        return ASSUMED[one.device]
    nearest = min(alike, key=lambda other: _distance(one, other))
    found = measured[nearest]
    if isinstance(found, Path):
        found = measured[nearest] = items.taken(found)
    return found


def _distance(one: Environment, other: Environment) -> tuple[int, ...]:
    pairs = zip(Version(one.tensorflow).release, Version(other.tensorflow).release, strict=False)
    return tuple(abs(a - b) for a, b in pairs)


def _measured(engine: Engine) -> dict[Environment, Path | int]:
    """What is made here already, with its size in bytes or the folder to measure."""
    if engine.name == "docker":
        return _images()
    found: dict[Environment, Path | int] = {}
    for folder in virtual_environments.root().iterdir():
        made = virtual_environments.made_of(folder) if folder.is_dir() else {}
        if made:
            # One whose packages are named by a digest is left out: others are as good a measure.
            with suppress(ValueError):
                found[environment.from_id(made["environment"])] = folder
    return found


def _images() -> dict[Environment, Path | int]:
    from harness.engines.docker.connection import connect
    from harness.upkeep import contained

    try:
        sizes = contained.sizes(connect())
    except EngineError:
        return {}
    found: dict[Environment, Path | int] = {}
    for name, size in sizes.items():
        with suppress(ValueError):
            found[environment.from_id(name)] = size
    return found
