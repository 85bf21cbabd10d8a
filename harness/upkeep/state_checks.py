"""Checks of what lies here: locks, bases, wheels, data, caches, the clock, and leftovers."""

from __future__ import annotations

import datetime
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from harness import compatibility, places
from harness.datasets import catalogue
from harness.engines.docker.connection import connect
from harness.engines.protocol import Engine
from harness.environments import wheelhouse
from harness.errors import BuildError, EngineError, HarnessError, LockError
from harness.protocol import untrusted
from harness.results import fingerprint, machine
from harness.results.names import BLOB_FOLDER
from harness.upkeep import checks, clean, items, soundness
from harness.upkeep.checks import Check, Need

TOLERATED_SECONDS = 5.0
_LARGEST_RECORD = 16 << 20
_STARTED = re.compile(rb'"started": "([^"]+)"')


def locks(need: Need) -> Iterator[Check]:
    """Whether every environment has a lock that can be used."""
    found = {environment: need.lock(environment) for environment in need.environments}
    for lock in found.values():
        if isinstance(lock, LockError):
            yield checks.blocks("lock", lock)
    missing = [environment.id for environment, lock in found.items() if lock is None]
    if missing:
        yield checks.look(
            "lock",
            f"{len(missing)} of {len(found)} are missing: {_some(missing)}",
            "nothing where a package index can be reached: harness lock or run makes them",
        )
    elif need.environments and len(need.locks) == len(found):
        yield checks.ok("lock", f"{len(found)} are there")


def bases(need: Need, engine: Engine) -> Iterator[Check]:
    """Whether every image to be built has a base, and whether the engine has it."""
    if engine.name != "docker":
        return
    for environment in need.environments:
        base = engine.base(environment)
        if base is None:
            remedy = "name one in a file for HARNESS_BASES"
            error = BuildError(f"{environment.id}: no pinned base", remedy=remedy)
            yield checks.blocks("base", error)


def wheels(need: Need) -> Iterator[Check]:
    """Which files would have to be fetched."""
    packages = {package for lock in need.locks for package in lock.packages}
    missing = [one.name for one in packages if not wheelhouse.place(one).exists()]
    if missing:
        yield checks.look(
            "wheels",
            f"{len(missing)} of {len(packages)} files are not in the cache: {_some(missing)}",
            "nothing where a package index can be reached; else bring a cache that has them",
        )
    elif packages:
        yield checks.ok("wheels", f"{len(packages)} files are in the cache")


def environments(need: Need) -> Iterator[Check]:
    """Whether what runs are made with is what was made; what was touched since is read."""
    notes: list[str] = []
    wanted = need.locks if need.environments else None
    examined = list(soundness.parts(wanted, thorough=False, note=notes.append))
    changes = [change for part in examined if (change := part.change())]
    for change in changes:
        to_do = "nothing: it is not used, but made anew when it is needed next"
        yield checks.look("environments", change, to_do)
    if not changes:
        yield checks.ok("environments", f"{len(examined)} parts of them are as they were made")


def data(need: Need) -> Iterator[Check]:
    """Which data sets would have to be prepared."""
    names = {catalogue.for_workload(workload) for workload in need.workloads}
    for name in sorted(name for name in names if name is not None):
        folder = places.cache("datasets") / f"{name}-{catalogue.get(name).sha256[:12]}"
        if folder.is_dir():
            yield checks.ok("data", f"{name} is prepared")
        else:
            to_do = "nothing where its sources can be reached: it is fetched at first use"
            yield checks.look("data", f"{name} is not prepared yet", to_do)


def caches(need: Need) -> Iterator[Check]:
    """Whether the cache can be written, and what it takes."""
    root = places.cache()
    try:
        with places.written(root), tempfile.TemporaryFile(dir=root):
            pass
    except HarnessError as error:
        yield checks.blocks("cache", error)
        return
    sizes = items.taken_each(sorted(path for path in root.iterdir() if path.is_dir()))
    shown = [f"{path.name} {items.readable(n)}" for path, n in sizes.items() if n >= 10**6]
    whole = items.readable(sum(sizes.values()))
    yield checks.ok("cache", f"{root}: {whole} ({', '.join(shown) or 'empty'})")


def clock(need: Need) -> Iterator[Check]:
    """Whether the clock can be right, as far as that can be told without a network."""
    wrong = [*_too_early(), *_file_system(), *_engine(), *_future(need.results)]
    for found in wrong:
        to_do = "set the clock (timedatectl set-ntp true); durations here do not depend on it"
        yield checks.look("clock", found, to_do)
    if not wrong:
        now = datetime.datetime.now(datetime.timezone.utc)
        yield checks.ok("clock", f"{now:%Y-%m-%d %H:%M} UTC; nothing here contradicts it")


def published_hardware(need: Need) -> Iterator[Check]:
    """Whether the results that are collected from every kind of CPU have this machine."""
    collected = need.results / "hardware"
    if not collected.is_dir():
        return
    own = fingerprint.identify(machine.describe())
    if (collected / own).is_dir():
        yield checks.ok("hardware", f"{collected} has this machine, {own}")
    else:
        to_do = "harness run matrices/hardware.yaml takes about five minutes; hand its folder on"
        yield checks.look("hardware", f"{collected} does not have this machine, {own}", to_do)


def leftovers(need: Need) -> Iterator[Check]:
    """What killed sweeps left."""
    notes: list[str] = []
    found = Counter(item.kind for item in clean.left_behind(notes.append))
    if found:
        parts = ", ".join(f"{number} {kind}" for kind, number in sorted(found.items()))
        kinds = " ".join(f"--kind {kind}" for kind in sorted(found))
        yield checks.look("leftovers", f"{parts} of killed sweeps", f"harness clean {kinds} --yes")
    else:
        yield checks.ok("leftovers", "no containers, processes, mounts or folders of killed sweeps")


def _too_early() -> Iterator[str]:
    newest = max(compatibility.release(version).locked for version in compatibility.releases())
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    if today < newest[:10]:
        yield f"it says {today}, and TensorFlow releases of {newest[:10]} are known here"


def _file_system() -> Iterator[str]:
    try:
        with tempfile.TemporaryFile(dir=places.cache()) as file:
            off = os.fstat(file.fileno()).st_mtime - time.time()
    except OSError:
        # The check of the cache says so.
        return
    if abs(off) > TOLERATED_SECONDS:
        yield f"the disk of the cache is {off:+.0f} s off, as a file server's clock may be"


def _engine() -> Iterator[str]:
    try:
        said = str(connect().info().get("SystemTime", ""))
    except EngineError:
        return
    match = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)", said)
    if match is None:
        return
    then = datetime.datetime.fromisoformat(match[1] + match[2].replace("Z", "+00:00"))
    off = then.timestamp() - time.time()
    if abs(off) > TOLERATED_SECONDS:
        yield f"the Docker Engine's clock is {off:+.0f} s off ours"


def _future(results: Path) -> Iterator[str]:
    """Records from later than now: the clock was set back, or another machine's is wrong."""
    newest = max(_starts(results), default=("", ""))
    now = datetime.datetime.now(datetime.timezone.utc)
    limit = (now + datetime.timedelta(seconds=60)).isoformat(timespec="seconds")
    if newest[0] > limit:
        yield f"{newest[1]} was recorded at {newest[0]}, which is still to come"


def _starts(results: Path) -> Iterator[tuple[str, str]]:
    for folder, names, files in os.walk(results):
        names[:] = [name for name in names if name != BLOB_FOLDER]
        for name in files:
            if name.endswith(".json"):
                path = Path(folder, name)
                # What cannot be read says nothing of the clock.
                with suppress(OSError):
                    match = _STARTED.search(untrusted.read_regular(path, _LARGEST_RECORD))
                    yield (match[1].decode("utf-8", "replace") if match else "", str(path))


def _some(names: list[str]) -> str:
    return ", ".join(sorted(names)[:3]) + (", …" if len(names) > 3 else "")
