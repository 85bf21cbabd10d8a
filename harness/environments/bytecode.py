"""Bytecode of installed wheels: compiled once per wheel and interpreter build, then linked.

The cache is `bytecode/<build>/<wheel>/`, a tree of `__pycache__` folders as in site-packages. A
compiled file holds no path that matters: importing puts in the one it was found under.
"""

from __future__ import annotations

import csv
import glob
import hashlib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from packaging.utils import canonicalize_name

from harness import places, processes
from harness.environments import commands, targets, wheelhouse, wheels
from harness.environments.interpreters import Interpreter
from harness.environments.lock import Lock, Package
from harness.processes import ProcessFailedError

FORMAT = 1
"""Counts up when files are compiled in another way."""

_CACHED = "__pycache__"
# By hash and never checked, not by time: environments are never edited, and copies stay valid.
_COMPILEALL = (
    *("-I", "-m", "compileall", "-q", "-r", "99", "-j", "0"),
    *("--invalidation-mode", "unchecked-hash"),
)


def root() -> Path:
    """The folder of all compiled wheels in the cache, one folder in it per interpreter build."""
    return places.cache("bytecode")


def add(lock: Lock, interpreter: Interpreter, site_packages: Path, log: Path) -> None:
    """Give each module of the lock's packages, as installed, its bytecode.

    The files are hard links into the cache: replace them, never write into them.

    Raises:
        BuildError: the disk is full.
        ProcessFailedError: the compiler did not come to its end.
    """
    folder = root() / _digest(interpreter)
    folder.mkdir(exist_ok=True)
    modules, disputed = _modules(lock, site_packages)
    with commands.disk_space_needed(site_packages):
        _have(folder, modules, interpreter, site_packages, log)
        for name in modules:
            _link_tree(folder / name, site_packages)
        if disputed:
            _compile(interpreter, site_packages, disputed, disputed, log)


def _digest(interpreter: Interpreter) -> str:
    return hashlib.sha256(f"{FORMAT} {interpreter.build}".encode()).hexdigest()[:16]


def _name(package: Package) -> str:
    """The folder of a package: the digest its lock has, and that of what was built from it."""
    if targets.is_wheel(package.file):
        return package.sha256
    return f"{package.sha256}-{wheelhouse.sha256_of(wheels.wheel_of(package))[:12]}"


def _modules(lock: Lock, site_packages: Path) -> tuple[dict[str, list[str]], list[str]]:
    """The modules of each package, by the name of its folder, and those that several bring.

    Whose the latter are in the end is chance, so nothing is remembered of them.
    """
    names = {package.name: _name(package) for package in lock.packages}
    found: dict[str, list[str]] = {name: [] for name in names.values()}
    for record in site_packages.glob("*.dist-info/RECORD"):
        package = canonicalize_name(record.parent.name.partition("-")[0])
        found[names[package]] = _modules_in(record)
    claims = Counter(module for modules in found.values() for module in modules)
    disputed = sorted(module for module, count in claims.items() if count > 1)
    for modules in found.values():
        modules[:] = [module for module in modules if claims[module] == 1]
    return found, disputed


def _modules_in(record: Path) -> list[str]:
    with record.open(encoding="utf-8", newline="") as file:
        names = {row[0] for row in csv.reader(file) if row and row[0].endswith(".py")}
    return sorted(name for name in names if ".." not in PurePosixPath(name).parts)


def _have(
    folder: Path,
    modules: Mapping[str, Sequence[str]],
    interpreter: Interpreter,
    site_packages: Path,
    log: Path,
) -> None:
    """Have each package in the cache; only one process at a time compiles a package."""
    absent = [name for name in modules if not (folder / name).exists()]
    with wheelhouse.reserved(f"bytecode-{folder.name}-{name}" for name in absent):
        missing = {name: modules[name] for name in absent if not (folder / name).exists()}
        if not missing:
            return
        with tempfile.TemporaryDirectory(dir=root(), prefix=".partial-") as unfinished:
            _fill(Path(unfinished), missing, interpreter, site_packages, log)
            for name in missing:
                Path(unfinished, name).rename(folder / name)


def _fill(
    unfinished: Path,
    missing: Mapping[str, Sequence[str]],
    interpreter: Interpreter,
    site_packages: Path,
    log: Path,
) -> None:
    """Compile all modules at once, beside the cache, and leave nothing but bytecode."""
    sources = [f"{name}/{module}" for name, modules in missing.items() for module in modules]
    for name, modules in missing.items():
        (unfinished / name).mkdir()
        for module in modules:
            target = unfinished / name / module
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(str(site_packages / module), str(target))
    _compile(interpreter, unfinished, ["."], sources, log)
    for source in sources:
        (unfinished / source).unlink()
    # Nothing checks bytecode when it is used: all of it is on the disk before it has its name.
    os.sync()


def _compile(
    interpreter: Interpreter,
    folder: Path,
    wanted: Sequence[str],
    sources: Sequence[str],
    log: Path,
) -> None:
    """Compile what is `wanted` below the folder: the `sources`.

    Some packages ship files that no Python compiles (templates, tests), and neither would it
    import them; the compiler names each. Any other failure is one.
    """
    command = [str(interpreter.path), *_COMPILEALL, *wanted]
    try:
        processes.run(command, variables={}, log=log, cwd=folder)
    except ProcessFailedError as failure:
        silent = (source for source in sources if f"{source}'" not in failure.output)
        if not all(_is_compiled(folder / source) for source in silent):
            raise


def _is_compiled(source: Path) -> bool:
    return any((source.parent / _CACHED).glob(f"{glob.escape(source.stem)}.cpython-*.pyc"))


def _link_tree(top: Path, site_packages: Path) -> None:
    for folder, _, names in os.walk(top):
        target = site_packages / Path(folder).relative_to(top)
        if names:
            target.mkdir(parents=True, exist_ok=True)
        # Plain strings for thousands of files: paths would take longer than the links.
        for name in names:
            _link(f"{folder}/{name}", f"{target}/{name}")


def _link(source: str, target: str) -> None:
    """A hard link in place of what is there; a copy where a file cannot have one more."""
    try:
        os.link(source, target)
    except FileExistsError:
        Path(target).unlink()
        _link(source, target)
    except OSError:
        shutil.copy2(source, target)
