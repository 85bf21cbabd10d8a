"""From a lock to an installed site-packages folder, the same bytes for every engine."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from packaging.utils import canonicalize_name, canonicalize_version

from harness import console, places, scratch, trees
from harness.environments import (
    commands,
    fetching,
    records,
    source_builds,
    targets,
    users,
    wheelhouse,
)
from harness.environments.lock import Lock, Package
from harness.environments.records import Wrong
from harness.environments.resolving import uv_platform
from harness.errors import BuildError
from harness.processes import ProcessFailedError
from harness.trees import Contents

SCRIPTS = "bin"
UV_NOTES = "uv_cache.json"
_DROPPED = re.compile(
    rf"^(?:{SCRIPTS}/|[^/\n]*\.dist-info/{UV_NOTES},).*\n?".encode(), re.MULTILINE
)
Progress = Callable[[str], None]


def gather(lock: Lock, progress: Progress | None = None) -> Path:
    """Have every file of the lock in the cache, checked by hash, and sources built into wheels.

    Returns the folder of the cache; `wheel_of` names the single files. `progress` gets a short
    sentence now and then, always in the calling thread. Safe to call from several processes.

    Raises:
        LockError: the package index has other bytes than the lock asks for, or none any more.
        BuildError: the index cannot be reached, a source does not build, or the disk is full.
    """
    scratch.use_cache()
    users.note_lock(lock)
    with commands.writing(wheelhouse.root()):
        fetching.fetch(lock, progress or _silent)
        for package in lock.packages:
            wheel_of(package)
    return wheelhouse.root()


def wheel_of(package: Package) -> Path:
    """The wheel of a gathered package: the file of the lock, or the one built from it."""
    if targets.is_wheel(package.file):
        return wheelhouse.place(package)
    return source_builds.built(package)


def install(lock: Lock, site_packages: Path, progress: Progress | None = None) -> Contents:
    """Put exactly the packages of the lock into a site-packages folder, for the lock's Python.

    The folder is made if missing and must hold no other packages. Nothing is compiled, console
    scripts are left out (they would name this host's Python), and the network is used only for
    files that are not in the cache yet. Files may be hard links into uv's cache: replace them,
    never write into them. Returns what the folder holds: each file is that of its wheel.

    Raises:
        LockError, BuildError: as `gather`; also if what is there in the end is not the lock.
    """
    gather(lock, progress)
    with commands.writing(site_packages):
        _fill(lock, site_packages, progress or _silent)
        check_installed(lock, site_packages)
        installed = trees.contents(site_packages)
        wrong = _wrong_files(lock, installed)
        if wrong:
            console.note(f"{site_packages / wrong[0].path}: not as in its wheel; unpacked again")
            _forget_unpacked(lock, wrong)
            shutil.rmtree(site_packages)
            _fill(lock, site_packages, progress or _silent)
            installed = trees.contents(site_packages)
            _refuse(_wrong_files(lock, installed), site_packages)
    return installed


def _wrong_files(lock: Lock, installed: Contents) -> list[Wrong]:
    return records.wrong_files([wheel_of(package) for package in lock.packages], installed.digests)


def _forget_unpacked(lock: Lock, wrong: list[Wrong]) -> None:
    """Have uv unpack wheels again; all of them where a file is nobody's."""
    wheels = {one.wheel for one in wrong}
    names = [one.name for one in lock.packages if None in wheels or wheel_of(one) in wheels]
    commands.run(commands.uv_command("cache", "clean", *names))


def _refuse(wrong: list[Wrong], site_packages: Path) -> None:
    if wrong:
        raise BuildError(
            f"{site_packages / wrong[0].path}: not as in its wheel, also when unpacked again;"
            f" remove uv's part of the cache, {places.cache('uv')}"
        )


def _fill(lock: Lock, site_packages: Path, progress: Progress) -> None:
    progress(f"installing {len(lock.packages)} packages")
    site_packages.mkdir(parents=True, exist_ok=True)
    with scratch.folder("install") as folder:
        wanted = folder / "wanted.txt"
        wheels = {package: wheel_of(package) for package in lock.packages}
        wanted.write_text("\n".join([*map(_pin, wheels, wheels.values()), ""]), encoding="utf-8")
        _run_uv(lock, site_packages, wanted, list(wheels.values()))
    _tidy(site_packages)


def check_installed(lock: Lock, site_packages: Path) -> None:
    """Compare the distributions in a folder with the lock, by name and version.

    Raises:
        BuildError: they differ; the message names what is missing and what should not be there.
    """
    wanted: dict[str, str] = {package.name: package.version for package in lock.packages}
    # The installer made sure that these folders say what the metadata in them say.
    described = (path.stem.rpartition("-") for path in site_packages.glob("*.dist-info"))
    found: dict[str, str] = {canonicalize_name(name): version for name, _, version in described}
    differing = sorted(
        f"{name} {found.get(name, 'missing')} (lock: {wanted.get(name, 'nothing')})"
        for name in wanted.keys() | found.keys()
        if canonicalize_version(found.get(name, "")) != canonicalize_version(wanted.get(name, ""))
    )
    if differing:
        raise BuildError(f"{site_packages}: is not what the lock says: {', '.join(differing)}.")


def _pin(package: Package, wheel: Path) -> str:
    built = not targets.is_wheel(package.file)
    sha256 = trees.sha256_of(wheel) if built else package.sha256
    return f"{package.name}=={package.version} --hash=sha256:{sha256}"


def _run_uv(lock: Lock, site_packages: Path, wanted: Path, wheels: list[Path]) -> None:
    arguments = [
        *("pip", "install", "--target", str(site_packages), "--requirements", str(wanted)),
        *("--python", sys.executable, "--python-version", lock.environment.python),
        *("--python-platform", uv_platform(lock.platform)),
        *("--no-deps", "--require-hashes", "--only-binary", ":all:", "--offline", "--no-index"),
    ]
    for wheel in wheels:
        arguments += ["--find-links", str(wheel.parent)]
    try:
        commands.run(commands.uv_command(*arguments), cwd=wanted.parent, filled=site_packages)
    except ProcessFailedError as failure:
        raise BuildError(
            f"{lock.environment.id}: its packages cannot be installed into {site_packages}:\n"
            f"{commands.explanation(failure.output)}"
        ) from failure


def _tidy(site_packages: Path) -> None:
    """Drop what would differ from host to host: console scripts, and uv's notes on its cache."""
    shutil.rmtree(site_packages / SCRIPTS, ignore_errors=True)
    (site_packages / ".lock").unlink(missing_ok=True)
    for record in site_packages.glob("*.dist-info/RECORD"):
        (record.parent / UV_NOTES).unlink(missing_ok=True)
        content = record.read_bytes()
        shortened = _DROPPED.sub(b"", content)
        if shortened != content:
            # Not into the file itself: it may be a hard link into uv's cache.
            record.unlink()
            record.write_bytes(shortened)


def _silent(_: str) -> None:
    """Progress that nobody asked for."""
