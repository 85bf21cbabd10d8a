"""The full hashed package list of an environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.matrix.environment import Environment


@dataclass(frozen=True, kw_only=True)
class Package:
    """One distribution of a lock: exactly one file, named by its hash.

    `file` is the wheel's file name, or that of a source distribution where none was released.
    """

    name: str
    version: str
    file: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Lock:
    """What gets installed for `environment`, sorted by name; `path` is the file it was read from.

    `sha256` is the digest of the lock file's bytes.
    """

    environment: Environment
    packages: tuple[Package, ...]
    platform: str
    sha256: str
    path: Path

    def version_of(self, name: str) -> str | None:
        """The locked version of a package, None if it is not in the lock."""
        return next((p.version for p in self.packages if p.name == name), None)
