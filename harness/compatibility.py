"""Which versions go together: answers from the data in `compatibility.yaml`.

Pure look-ups, no network. No TensorFlow version number stands in Python code elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a combination cannot exist, and what would work instead (a whole sentence each)."""

    reason: str
    remedy: str


def releases() -> tuple[str, ...]:
    """Every TensorFlow release known, oldest first."""
    raise NotImplementedError


def resolve_python(tensorflow: str, numpy: str | None, keras: str | None) -> str | None:
    """The newest Python minor version with wheels for all of these, None if there is none."""
    raise NotImplementedError


def refusal(
    *, python: str, tensorflow: str, numpy: str | None, keras: str | None, device: str
) -> Refusal | None:
    """Why this combination cannot exist, or None where nothing known speaks against it."""
    raise NotImplementedError


def lock_date(tensorflow: str) -> str:
    """The ISO date up to which packages count when this TensorFlow is locked."""
    raise NotImplementedError
