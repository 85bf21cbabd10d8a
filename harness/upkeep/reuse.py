"""What of an environment is there already, and what would be made, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from harness.engines import outdated
from harness.engines.protocol import Engine
from harness.environments import source_builds, targets, wheelhouse
from harness.environments.lock import Lock, Package
from harness.errors import HarnessError, LockError
from harness.executors.audits import Audit
from harness.matrix.environment import Environment

Part = Literal["lock", "base", "wheels", "image", "audit"]

_EXAMPLES = 3


@dataclass(frozen=True, kw_only=True)
class Reuse:
    """One part of an environment: whether it is reused, and which one it is, or why it is not.

    An audit is one of a `workload`, which is "" for the other parts.
    """

    environment: str
    part: Part
    workload: str
    reused: bool
    why: str


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """Where to look. `lock` is `planning.Wanted.lock`; `audit` knows of a lock and a workload."""

    engine: Engine
    lock: Callable[[Environment], Lock | LockError | None]
    audit: Callable[[str, str], Audit | None]


def of_environment(
    environment: Environment, workloads: Iterable[str], lookup: Lookup
) -> Iterator[Reuse]:
    """Every part of an environment that `workloads` would run in. Nothing is made or fetched."""

    def part_of(part: Part, reused: bool, why: str, workload: str = "") -> Reuse:
        name = environment.id
        return Reuse(environment=name, part=part, workload=workload, reused=reused, why=why)

    base = lookup.engine.base(environment)
    yield part_of("base", base is not None, outdated.short(base) if base else _no_base(lookup))
    lock = lookup.lock(environment)
    if not isinstance(lock, Lock):
        yield part_of("lock", False, _no_lock(lock))
        return
    yield part_of("lock", True, outdated.short(lock.sha256))
    yield part_of("wheels", *_wheels(lock))
    yield part_of("image", *_image(lock, lookup))
    for workload in sorted(workloads):
        yield part_of("audit", *_audit(lock, workload, lookup), workload)


def _no_base(lookup: Lookup) -> str:
    if lookup.engine.name == "docker":
        return "no base image is pinned for it"
    return "its interpreter is not here; uv would fetch it"


def _no_lock(lock: LockError | None) -> str:
    return str(lock).partition("\n")[0] if lock else "no lock yet; it would be made"


def _wheels(lock: Lock) -> tuple[bool, str]:
    missing = [package for package in lock.packages if not _is_here(package)]
    if not missing:
        return True, f"{len(lock.packages)} files, their bytes are checked at use"
    names = ", ".join(f"{one.name} {one.version}" for one in missing[:_EXAMPLES])
    more = ", …" if len(missing) > _EXAMPLES else ""
    return False, f"{len(missing)} of {len(lock.packages)} not in the cache: {names}{more}"


def _is_here(package: Package) -> bool:
    made = targets.is_wheel(package.file) or source_builds.present(package) is not None
    return made and wheelhouse.place(package).exists()


def _image(lock: Lock, lookup: Lookup) -> tuple[bool, str]:
    try:
        found = lookup.engine.existing(lock)
    except HarnessError as error:
        found = str(error).partition("\n")[0]
    if isinstance(found, str):
        return False, found
    return True, outdated.short(found.id.removeprefix("venv-"))


def _audit(lock: Lock, workload: str, lookup: Lookup) -> tuple[bool, str]:
    found = lookup.audit(lock.sha256, workload)
    if found is None:
        return False, "none yet with this runner, engine and machine"
    return True, found.sentence
