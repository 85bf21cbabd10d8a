"""The runner as it is mounted: copied into the cache once per content, so it cannot change."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import harness
from harness import places

_PARTS = ("protocol", "runner")


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
    found = [(file.relative_to(folder).as_posix(), file.read_bytes()) for file in files]
    # The package itself offers what only the host has.
    return [("__init__.py", b""), *found]


def digest() -> str:
    """The digest of the runner's sources, as records name it."""
    whole = hashlib.sha256()
    for name, data in _sources():
        whole.update(f"{name}\0{len(data)}\0".encode() + data)
    return whole.hexdigest()


def stage() -> StagedRunner:
    """The runner in the cache, copied there unless the same content was before."""
    sha256 = digest()
    root = places.cache("runners") / sha256
    if not root.is_dir():
        with tempfile.TemporaryDirectory(dir=places.cache("runners")) as temporary:
            copy = Path(temporary) / "copy"
            write(copy)
            _publish(copy, root)
    return StagedRunner(root=root, sha256=sha256)


def write(root: Path) -> None:
    """Write the measured side's part of the program into the folder `root`."""
    for name, data in _sources():
        target = root / "harness" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _publish(copy: Path, root: Path) -> None:
    for path in copy.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    copy.chmod(0o755)
    try:
        copy.replace(root)
    except OSError:
        # Another process was quicker; the content is the same by construction.
        if not root.is_dir():
            raise
        shutil.rmtree(copy, ignore_errors=True)
