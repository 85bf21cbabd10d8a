"""The runner as it is mounted: copied into the cache once per content, so it cannot change."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

import harness
from harness import console, places, scratch
from harness.protocol import untrusted

_PARTS = ("protocol", "runner")
_LARGEST_BYTES = 16 << 20


@dataclass(frozen=True, kw_only=True)
class StagedRunner:
    """The measured side's part of the program.

    `root` holds a package `harness` with `protocol` and `runner`; `sha256` is that of its
    files.
    """

    root: Path
    sha256: str


def _sources() -> list[tuple[str, bytes]]:
    folder = Path(str(harness.__file__)).parent
    files = sorted(file for part in _PARTS for file in (folder / part).rglob("*.py"))
    sources = [(file.relative_to(folder).as_posix(), file.read_bytes()) for file in files]
    # The package itself offers what only the host has.
    return [("__init__.py", b""), *sources]


def digest() -> str:
    """The digest of the runner's sources, as records name it."""
    return _digest(_sources())


def _digest(sources: Iterable[tuple[str, bytes]]) -> str:
    whole = hashlib.sha256()
    for name, data in sources:
        whole.update(f"{name}\0{len(data)}\0".encode() + data)
    return whole.hexdigest()


def stage() -> StagedRunner:
    """The runner in the cache, copied there unless its very bytes are there.

    Raises:
        UsageError: the cache cannot be written.
        BuildError: its disk is full.
    """
    scratch.use_cache()
    sha256 = digest()
    root = places.cache("runners") / sha256
    with places.written(root), FileLock(root.with_suffix(".lock")):
        changed = change(root) if root.exists() else None
        if changed:
            console.note(f"{changed}; the copy of the runner is made anew")
            shutil.rmtree(root)
        if not root.exists():
            _copy(root)
    return StagedRunner(root=root, sha256=sha256)


def change(root: Path) -> str | None:
    """What in a copy of a runner is not as the digest that names it says, None where all is."""
    try:
        paths = sorted(path for path in root.rglob("*") if path.is_symlink() or not path.is_dir())
        contents = [(path, untrusted.read_regular(path, _LARGEST_BYTES)) for path in paths]
    except OSError as error:
        return f"{error.filename or root}: {error.strerror}"
    below = root / "harness"
    outside = [path for path in paths if not path.is_relative_to(below)]
    named = [(path.relative_to(below).as_posix(), data) for path, data in contents if not outside]
    if not outside and _digest(named) == root.name:
        return None
    mine = {below / name: data for name, data in _sources()}
    differing = (path for path, data in contents if mine.get(path) != data)
    return f"{next(differing, root)}: not as in this program"


def write(root: Path) -> None:
    """Write the measured side's part of the program into the folder `root`."""
    for name, data in _sources():
        target = root / "harness" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _copy(root: Path) -> None:
    with tempfile.TemporaryDirectory(dir=root.parent) as temporary:
        copy = Path(temporary) / "copy"
        write(copy)
        for path in (copy, *copy.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        copy.replace(root)
