"""Wheels for the few packages that were only released as source.

Built on the host, purely in Python, with one fixed builder and fixed variables: equal source
gives equal wheels, on every host and for every Python.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path

from harness import compatibility, console, places, trees
from harness.environments import commands, fetching, targets, wheelhouse
from harness.environments.lock import Package
from harness.errors import BuildError
from harness.processes import ProcessFailedError
from harness.protocol import files, untrusted

_PURE = "-none-any.whl"
_HASH = "sha256"
_LARGEST_NOTE = 100


def built(package: Package) -> Path:
    """The wheel of a source distribution that is in the cache; built unless it was before.

    Raises:
        BuildError: it does not build, or not into a wheel for every platform.
    """
    with wheelhouse.reserved([f"built-{package.sha256}"]):
        folder = _folder(package)
        folder.mkdir(parents=True, exist_ok=True)
        wheel = _intact(folder)
        return wheel if wheel else _build(package, folder)


def present(package: Package) -> Path | None:
    """The wheel built from this source before, not checked yet; None if there is none."""
    folder = _folder(package)
    return next(folder.glob("*.whl"), None) if folder.exists() else None


def noted_sha256(wheel: Path) -> str | None:
    """The digest that a wheel had when it was built, None where that is not noted."""
    try:
        return untrusted.read_regular(wheel.with_name(_HASH), _LARGEST_NOTE).decode("ascii")
    except (OSError, UnicodeDecodeError):
        return None


def _folder(package: Package) -> Path:
    return places.cache("built") / f"{package.sha256}-{_recipe()[:12]}"


def _recipe() -> str:
    """A digest of how packages are built: another way gives other wheels."""
    how = [compatibility.builder(), compatibility.builder_variables()]
    return hashlib.sha256(json.dumps(how, sort_keys=True).encode()).hexdigest()


def _intact(folder: Path) -> Path | None:
    """The wheel built earlier, if it still has the hash noted beside it."""
    wheel = next(folder.glob("*.whl"), None)
    noted = noted_sha256(wheel) if wheel else None
    if wheel is None or noted is None:
        return None
    if wheelhouse.matches(wheel, noted):
        return wheel
    console.note(f"{wheel}: not the bytes that were built; thrown away, built again")
    wheel.unlink()
    return None


def _build(package: Package, folder: Path) -> Path:
    with tempfile.TemporaryDirectory(dir=folder, prefix=".partial-") as unfinished:
        _run_builder(package, unfinished)
        found = _checked(package, list(Path(unfinished).glob("*.whl")))
        files.write_text(folder / _HASH, trees.sha256_of(found))
        return found.replace(folder / found.name)


def _run_builder(package: Package, folder: str) -> None:
    options = ["--isolated", "--no-index", "--no-deps", "--no-build-isolation", "--use-pep517"]
    source = str(wheelhouse.place(package))
    command = commands.pip_command("wheel", *options, "--wheel-dir", folder, source)
    # File modes end up in the wheel: do not let the person's umask decide on its hash.
    fixed = ["sh", "-c", 'umask 022 && exec "$@"', "sh", *command]
    with fetching.builder() as tools:
        try:
            more = {"PYTHONPATH": str(tools), **compatibility.builder_variables()}
            commands.run(fixed, more)
        except ProcessFailedError as failure:
            raise BuildError(
                f"{package.name} {package.version}: its source does not build:\n"
                f"{commands.explanation(failure.output)}"
            ) from failure


def _checked(package: Package, wheels: list[Path]) -> Path:
    for wheel in wheels:
        if wheel.name.endswith(_PURE) and targets.is_of(wheel.name, package.name, package.version):
            return wheel
    raise BuildError(
        f"{package.name} {package.version}: its source did not build into a wheel for every "
        f"platform, but {[wheel.name for wheel in wheels]}; ask for a version that has wheels."
    )
