"""The locks that results bring, and what has to be known before they are installed.

A lock names files of a package index by hash, so nobody can slip in other bytes. But whoever wrote
the lock chose the packages. Wheels are only unpacked, and what they hold runs inside the engine:
shut in with docker, as the person at the keyboard with local. Source distributions would run while
they are built, outside of any engine, so a foreign lock's are refused, except for files that a
lock of one's own names too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.environments import locking, targets
from harness.environments.lock import Lock
from harness.errors import LockError
from harness.matrix.environment import Environment
from harness.results import locks

_FILE = re.compile(rb"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True, kw_only=True)
class Locks:
    """Locks by digest: one's own, and those that lie with the results, by matrix."""

    own: Mapping[str, Path]
    brought: Mapping[str, Mapping[str, Path]]

    def is_own(self, sha256: str) -> bool:
        """Whether these bytes are a lock that this person had before."""
        return sha256 in self.own

    def get(self, matrix: str, sha256: str, environment: Environment) -> Lock:
        """The lock that a record of this matrix names.

        Raises:
            LockError: it is nowhere, is no lock of this environment, or builds foreign sources.
        """
        path = self.own.get(sha256) or self.brought.get(matrix, {}).get(sha256)
        if path is None:
            raise LockError(
                f"its lock ({sha256[:12]}…) is not with the results; "
                "name the folder that has it with --locks DIR"
            )
        lock = locking.read_as_is(path, environment)
        if lock.sha256 != sha256:
            raise LockError(f"{path}: changed while it was being read")
        if not self.is_own(sha256):
            self._refuse_sources(lock)
        return lock

    def _refuse_sources(self, lock: Lock) -> None:
        own_files = _files_of(self.own.values())
        foreign = [
            f"{package.name} {package.version}"
            for package in lock.packages
            if not targets.is_wheel(package.file) and package.sha256 not in own_files
        ]
        if foreign:
            raise LockError(
                f"its lock builds {', '.join(foreign)} from source, which would run on this "
                "machine outside of any engine; no lock of yours names the same file"
            )


def gathered(folders: Mapping[str, Path], own: Sequence[Path]) -> Locks:
    """The locks in the folders `own`, and beside the results of each matrix (its folder given)."""
    brought = {
        matrix: locks.by_digest([locks.folder_of(folder)]) for matrix, folder in folders.items()
    }
    return Locks(own=locks.by_digest(own, follow_links=True), brought=brought)


def _files_of(paths: Iterable[Path]) -> set[str]:
    """The digests of all files that these locks name."""
    return {digest.decode("ascii") for path in paths for digest in _FILE.findall(path.read_bytes())}
