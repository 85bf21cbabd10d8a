"""Locks: what an environment asks for, the file that answers it, and making that file with uv."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from harness import compatibility, console
from harness.environments import lockfile, resolving
from harness.environments.lock import Lock
from harness.environments.resolving import Request
from harness.errors import LockError
from harness.matrix import environment as environments
from harness.matrix import legacy_keras
from harness.matrix.environment import Environment


def requirements(environment: Environment) -> Request:
    """What uv is asked to resolve for an environment, from the compatibility data.

    Raises:
        LockError: the environment cannot exist; the message says what would work.
    """
    _refuse(environment)
    release = compatibility.release(environment.tensorflow)
    names = release.gpu if environment.device == "gpu" else release.cpu
    stated = {"numpy": environment.numpy, "keras": environment.keras}
    pinned = [each.partition("==")[0] for each in environment.requirements if "==" in each]
    return Request(
        python=environment.python,
        platform=compatibility.platform(),
        date=release.locked,
        requirements=(
            *(f"{name}=={release.version}" for name in names),
            *(f"{name}=={version}" for name, version in stated.items() if version),
            *environment.requirements,
        ),
        constraints=(*release.constraints, *_ranges(release), *_legacy(environment, release)),
        undated=(*(name for name, version in stated.items() if version), *pinned),
        sources=release.sources,
        without=(*release.without, *_in_other_builds(environment)),
    )


def path_of(environment: Environment, folder: Path) -> Path:
    """Where the lock of an environment lies in a folder of locks."""
    return folder / f"{environment.id}.txt"


def read(path: Path, environment: Environment) -> Lock:
    """The lock at `path`, checked to be of this environment as it would be asked for today.

    Raises:
        LockError: it is missing, malformed or stale; the message says what to do.
    """
    return lockfile.parse(path, environment, _header(environment, requirements(environment)))


def read_as_is(path: Path, environment: Environment) -> Lock:
    """The lock at `path`, of this environment and platform, whenever and however it was asked for.

    For results that are to be had again: what was installed then counts, not what would be asked
    for today.

    Raises:
        LockError: it is missing or malformed, or of another environment.
    """
    header = {"environment": environment.id, "platform": compatibility.platform()}
    return lockfile.parse(path, environment, header)


def make(environment: Environment, folder: Path) -> Lock:
    """Resolve the environment with uv and write its lock into `folder`, over an older one.

    Raises:
        LockError: the environment cannot exist, uv found no set of packages, the package index
            cannot be reached, or the folder cannot be written to.
    """
    request = requirements(environment)
    packages = resolving.resolve(request, environment.id)
    path = path_of(environment, folder)
    lockfile.write(path, lockfile.render(_header(environment, request), packages))
    return read(path, environment)


def can_be_made(environment: Environment) -> bool:
    """Whether uv finds a set of packages for the environment; nothing is written."""
    try:
        resolving.resolve(requirements(environment), environment.id)
    except LockError:
        return False
    return True


def ensure(environment: Environment, folders: Sequence[Path]) -> Lock:
    """The lock from the first of `folders` that has it; made in the first folder if none has.

    A lock that is there is never renewed here.

    Raises:
        LockError: the lock found is malformed or stale, or a new one cannot be made.
    """
    for folder in folders:
        if path_of(environment, folder).exists():
            return read(path_of(environment, folder), environment)
    lock = make(environment, folders[0])
    console.note(f"locked {environment.id}: {len(lock.packages)} packages, {lock.path}")
    return lock


def environment_of(path: Path) -> Environment:
    """The environment that a lock says it is of, whatever else is wrong with it.

    Raises:
        LockError: it cannot be read, or says of none.
    """
    found = lockfile.header_of(path)
    try:
        return environments.from_id(found["environment"], found.get("requirements", ""))
    except (KeyError, ValueError) as error:
        raise LockError(f"{path}: not a lock: {error}", remedy=lockfile.RENEW) from error


def _refuse(environment: Environment) -> None:
    refusal = compatibility.refusal(
        python=environment.python,
        tensorflow=environment.tensorflow,
        numpy=environment.numpy,
        keras=environment.keras,
        device=environment.device,
    ) or legacy_keras.refusal(environment)
    if refusal is not None:
        raise LockError(f"{environment.id}: {refusal.reason} {refusal.remedy}")


def _ranges(release: compatibility.Release) -> tuple[str, ...]:
    numpy = (f"numpy{release.numpy}",)
    return numpy if release.keras == compatibility.BUNDLED else (*numpy, f"keras{release.keras}")


def _legacy(environment: Environment, release: compatibility.Release) -> tuple[str, ...]:
    asked = legacy_keras.of(environment.requirements)
    return (f"{legacy_keras.PACKAGE}{release.legacy_keras}",) if asked else ()


def _in_other_builds(environment: Environment) -> tuple[str, ...]:
    """What further packages may require and the environment has as another build: two builds of
    TensorFlow would write over one another's files."""
    further = environment.requirements and environment.device == "cpu"
    return ("tensorflow",) if further else ()


def _header(environment: Environment, request: Request) -> dict[str, str]:
    """What a lock says about itself; `request` covers all that was asked, also the constraints."""
    content = json.dumps(request.to_json(), sort_keys=True).encode()
    further = environment.requirements
    return {
        "environment": environment.id,
        "platform": request.platform,
        "date": request.date,
        "request": hashlib.sha256(content).hexdigest(),
        **({"requirements": "+".join(further)} if further else {}),
    }
