"""What goes into an image, and the names and labels that say so."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from harness import places
from harness.environments import bases
from harness.environments.bases import Base
from harness.environments.lock import Lock

REPOSITORY = "reproducibility-harness"
LABEL = "reproducibility-harness"
ENVIRONMENT, LOCK, BASE = (f"{LABEL}.{name}" for name in ("environment", "lock_sha256", "base"))
FRAME = f"{LABEL}.frame"
"""On frames, the images below the packages, which environments with one base and Python share, and
on all that stands on one; only frames have no `ENVIRONMENT` as well."""

FORMAT = 2
"""Counts up when images are built in another way than the Dockerfile shows."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All that goes into an image: packages, on a frame that the Dockerfile makes of the base."""

    lock: Lock
    base: Base
    dockerfile: bytes

    @property
    def digest(self) -> str:
        """The digest of everything that decides what the image holds."""
        return _digest({**self._framed, "format": FORMAT, "lock": self.lock.sha256})

    @property
    def name(self) -> str:
        """Repository and tag."""
        return f"{REPOSITORY}/{self.lock.environment.digest}:{self.digest}"

    @property
    def frame(self) -> str:
        """Repository and tag of the frame, which images of one Python and base share."""
        return f"{REPOSITORY}/frame:{_digest(self._framed)}"

    @property
    def site_packages(self) -> str:
        """Where the packages lie."""
        return f"/opt/environment/lib/python{self.lock.environment.python}/site-packages"

    @property
    def arguments(self) -> dict[str, str]:
        """The Dockerfile's ARGs."""
        return {"BASE": self.base.engine_reference, "PYTHON": self.lock.environment.python}

    @property
    def labels(self) -> dict[str, str]:
        """What the image says of itself."""
        environment = self.lock.environment
        return {
            "org.opencontainers.image.title": environment.id,
            "org.opencontainers.image.description": "An environment for reproducibility runs",
            "org.opencontainers.image.base.name": self.base.reference,
            "org.opencontainers.image.base.digest": self.base.digest,
            ENVIRONMENT: environment.id,
            LOCK: self.lock.sha256,
            BASE: self.base.reference,
            f"{LABEL}.tensorflow": environment.tensorflow,
            f"{LABEL}.python": environment.python,
        }

    @property
    def frame_labels(self) -> dict[str, str]:
        """What the frame says of itself."""
        device, python = self.lock.environment.device, self.lock.environment.python
        return {FRAME: f"frame, Python {python}, {device}", BASE: self.base.reference}

    @property
    def _framed(self) -> Mapping[str, object]:
        return {
            "base": self.base.engine_reference,
            "dockerfile": hashlib.sha256(_without_comments(self.dockerfile)).hexdigest(),
            "arguments": self.arguments,
        }


def recipe(lock: Lock) -> Recipe:
    """What the image of this lock is made of.

    Raises:
        BuildError: there is no pinned base for it.
    """
    dockerfile = places.dockerfiles() / f"{lock.environment.device}.Dockerfile"
    return Recipe(
        lock=lock, base=bases.base_for(lock.environment), dockerfile=dockerfile.read_bytes()
    )


def _without_comments(dockerfile: bytes) -> bytes:
    """What a Dockerfile says to the engine: another comment makes no other image."""
    lines = dockerfile.splitlines()
    return b"\n".join(line for line in lines if line.strip() and not line.startswith(b"#"))


def _digest(parts: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
