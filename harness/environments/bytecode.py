"""Bytecode of installed wheels: compiled once per wheel and Python build, then linked.

The cache is `bytecode/<build>/<wheel>/`: a tree of `__pycache__` folders as in site-packages, and
the names of the wheel's modules. A compiled file holds no path that matters: importing puts in the
one it was found under.
"""

from __future__ import annotations

import csv
import glob
import hashlib
import io
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from packaging.utils import canonicalize_name

from harness import console, places, trees
from harness.environments import commands, targets, wheelhouse, wheels
from harness.environments.lock import Lock, Package
from harness.processes import ProcessFailedError
from harness.protocol import untrusted

FORMAT = 2
"""Counts up when files are compiled, or kept, in another way."""

_CACHED = "__pycache__"
_MODULES = "modules.json"
_LARGEST_BYTES = 64 << 20
# By hash and never checked, not by time: environments are never edited, and copies stay valid.
_COMPILEALL = (
    *("-I", "-m", "compileall", "-q", "-r", "99", "-j", "0"),
    *("--invalidation-mode", "unchecked-hash"),
)

Modules = Mapping[str, Sequence[str]]
"""What a package brings: names of modules, without their folder, by the folder they lie in."""


@dataclass(frozen=True, kw_only=True)
class Compiler:
    """A Python that compiles; `build` is what `sys.version` says of it.

    `run` starts it with arguments, in a folder that it may write to; what it prints goes to a log.
    It raises a `ProcessFailedError` where the status is another than 0.
    """

    build: str
    run: Callable[[Sequence[str], Path, Path], object]


def root() -> Path:
    """The folder of all compiled wheels in the cache, one folder in it per Python build."""
    return places.cache("bytecode")


def is_whole(folder: Path) -> bool:
    """Whether a wheel's bytecode was made to its end."""
    return trees.is_sealed(folder)


def discard(folder: Path) -> None:
    """Remove a wheel's bytecode."""
    trees.unseal(folder)
    shutil.rmtree(folder, ignore_errors=True)


def add(lock: Lock, compiler: Compiler, site_packages: Path, log: Path) -> None:
    """Give each module of the lock's packages, as installed, its bytecode.

    The files are hard links into the cache: replace them, never write into them.

    Raises:
        BuildError: the disk is full.
        ProcessFailedError: the compiler did not come to its end.
    """
    _add(lock, compiler, site_packages, log, _link_files)


def share(lock: Lock, compiler: Compiler, site_packages: Path, log: Path) -> list[Path]:
    """As `add`, with symbolic links to whole `__pycache__` folders wherever that is possible.

    Thousands of files become some hundred links. Returns the folders in the cache they lead into.
    """
    return _add(lock, compiler, site_packages, log, _link_folder)


def _add(
    lock: Lock,
    compiler: Compiler,
    site_packages: Path,
    log: Path,
    link: Callable[[str, str], None],
) -> list[Path]:
    folder = root() / hashlib.sha256(f"{FORMAT} {compiler.build}".encode()).hexdigest()[:16]
    folder.mkdir(exist_ok=True)
    with commands.writing(site_packages):
        modules = _had(folder, lock, compiler, site_packages, log)
        disputed = list(_linked(folder, modules, site_packages, link))
        if disputed:
            _compile(compiler, site_packages, disputed, disputed, log)
    return [folder / name for name in modules]


def _name(package: Package) -> str:
    """The folder of a package: the digest its lock has, and that of what was built from it."""
    if targets.is_wheel(package.file):
        return package.sha256
    return f"{package.sha256}-{trees.sha256_of(wheels.wheel_of(package))[:12]}"


def _had(
    folder: Path, lock: Lock, compiler: Compiler, site_packages: Path, log: Path
) -> dict[str, Modules]:
    """Have each package in the cache; the modules of each, by the name of its folder.

    Only one process at a time compiles a package.
    """
    names = {package.name: _name(package) for package in lock.packages}
    absent = [name for name in names.values() if not _is_sound(folder / name)]
    if absent:
        with wheelhouse.reserved(f"bytecode-{folder.name}-{name}" for name in absent):
            missing = {name for name in absent if not _is_sound(folder / name)}
            _compile_missing(folder, _installed(names, missing, site_packages), compiler, log)
    return {name: json.loads((folder / name / _MODULES).read_bytes()) for name in names.values()}


def _is_sound(folder: Path) -> bool:
    if not is_whole(folder):
        return False
    changed = trees.change(folder)
    if changed:
        console.note(f"{changed}; compiled again")
        # Only here: for others that wait to compile it, it is not there any more.
        trees.unseal(folder)
    return changed is None


@dataclass(frozen=True, kw_only=True)
class _Installed:
    """Packages that have no bytecode yet: their modules, by the names of their folders to be."""

    site_packages: Path
    modules: Mapping[str, Modules]


def _installed(names: Mapping[str, str], missing: set[str], site_packages: Path) -> _Installed:
    found: dict[str, Modules] = {name: {} for name in missing}
    for record in site_packages.glob("*.dist-info/RECORD"):
        name = names[canonicalize_name(record.parent.name.partition("-")[0])]
        if name in missing:
            found[name] = _modules_in(record)
    return _Installed(site_packages=site_packages, modules=found)


def _modules_in(record: Path) -> Modules:
    content = untrusted.read_regular(record, _LARGEST_BYTES, follow_links=True).decode("utf-8")
    rows = csv.reader(io.StringIO(content, newline=""))
    names = {row[0] for row in rows if row and row[0].endswith(".py")}
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        if ".." not in PurePosixPath(name).parts:
            inside, _, module = name.rpartition("/")
            found.setdefault(inside, []).append(module)
    return found


def _compile_missing(folder: Path, missing: _Installed, compiler: Compiler, log: Path) -> None:
    if not missing.modules:
        return
    with tempfile.TemporaryDirectory(dir=root(), prefix=".partial-") as unfinished:
        _fill(Path(unfinished), missing, compiler, log)
        for name in missing.modules:
            discard(folder / name)
            Path(unfinished, name).rename(folder / name)


def _fill(unfinished: Path, missing: _Installed, compiler: Compiler, log: Path) -> None:
    """Compile all modules at once, beside the cache, and leave bytecode and the modules' names."""
    sources: list[str] = []
    for name, modules in missing.modules.items():
        (unfinished / name).mkdir()
        for inside, brought in modules.items():
            (unfinished / name / inside).mkdir(parents=True, exist_ok=True)
            for module in brought:
                path = _joined(inside, module)
                _link_file(f"{missing.site_packages}/{path}", f"{unfinished}/{name}/{path}")
                sources.append(f"{name}/{path}")
    _compile(compiler, unfinished, ["."], sources, log)
    for source in sources:
        (unfinished / source).unlink()
    for name, modules in missing.modules.items():
        (unfinished / name / _MODULES).write_text(json.dumps(modules), encoding="utf-8")
        trees.seal(unfinished / name, trees.contents(unfinished / name))
    # Nothing checks bytecode when it is used: all of it is on the disk before it has its name.
    os.sync()


def _joined(inside: str, name: str) -> str:
    return f"{inside}/{name}" if inside else name


def _compile(
    compiler: Compiler, folder: Path, wanted: Sequence[str], sources: Sequence[str], log: Path
) -> None:
    """Compile what is `wanted` below the folder: the `sources`.

    Some packages ship files that no Python compiles (templates, tests), and neither would it
    import them; the compiler names each. Any other failure is one.
    """
    try:
        compiler.run([*_COMPILEALL, *wanted], folder, log)
    except ProcessFailedError as failure:
        silent = (source for source in sources if f"{source}'" not in failure.output)
        if not all(_is_compiled(folder / source) for source in silent):
            raise


def _is_compiled(source: Path) -> bool:
    return any((source.parent / _CACHED).glob(f"{glob.escape(source.stem)}.cpython-*.pyc"))


def _linked(
    folder: Path,
    modules: Mapping[str, Modules],
    site_packages: Path,
    link: Callable[[str, str], None],
) -> Iterator[str]:
    """Link what is in the cache; yields the modules that several packages bring.

    Whose those are in the end is chance, so they are not linked, and nothing is remembered of them.
    """
    owners: dict[str, list[str]] = {}
    for name, brought in modules.items():
        for inside in brought:
            owners.setdefault(inside, []).append(name)
    # Plain strings for thousands of folders: paths would take longer than the links.
    for inside, names in owners.items():
        target = _joined(f"{site_packages}/{inside}".rstrip("/"), _CACHED)
        disputed = _several(modules[name][inside] for name in names) if names[1:] else []
        place = partial(_link_files, without=set(disputed)) if names[1:] else link
        for name in names:
            source = _joined(f"{folder}/{name}/{inside}".rstrip("/"), _CACHED)
            if os.path.isdir(source):  # noqa: PTH112
                place(source, target)
        yield from (_joined(inside, module) for module in disputed)


def _several(brought: Iterator[Sequence[str]]) -> list[str]:
    claims = Counter(module for modules in brought for module in modules)
    return sorted(module for module, count in claims.items() if count > 1)


def _link_folder(source: str, target: str) -> None:
    """A symbolic link, unless the wheel brought a folder of that name."""
    try:
        os.symlink(source, target)  # noqa: PTH211
    except FileExistsError:
        _link_files(source, target)


def _link_files(source: str, target: str, without: Container[str] = ()) -> None:
    os.makedirs(target, exist_ok=True)  # noqa: PTH103
    for name in os.listdir(source):  # noqa: PTH208
        if f"{name.rsplit('.', 2)[0]}.py" not in without:
            _link_file(f"{source}/{name}", f"{target}/{name}")


def _link_file(source: str, target: str) -> None:
    """A hard link in place of what is there; a copy where a file cannot have one more."""
    try:
        os.link(source, target)
    except FileExistsError:
        Path(target).unlink()
        _link_file(source, target)
    except OSError:
        shutil.copy2(source, target)
