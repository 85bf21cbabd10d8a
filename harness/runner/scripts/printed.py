"""What a script printed, without what says nothing about the training: times, places, redrawing."""

from __future__ import annotations

import hashlib
import re
from typing import Iterable

_NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_MASKED = re.compile(
    "|".join(
        (
            r"\d{4}-\d\d-\d\d",  # a date
            r"\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?",  # a time of day, or what is left
            r"\b%s ?(?:ns|us|µs|ms|s|sec|secs|seconds|min|minutes)(?:/(?:step|epoch|sample))?\b"
            % _NUMBER,
            r"0x[0-9a-fA-F]+",  # where an object lies in memory
            r"\bETA:? ?",
        )
    )
)
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def digest(text: str, places: Iterable[str]) -> str:
    """The SHA-256 of a printed text; `places` are paths that differ from run to run."""
    return hashlib.sha256(masked(text, places).encode("utf-8")).hexdigest()


def masked(text: str, places: Iterable[str]) -> str:
    """The text with times, dates, addresses and these paths left out, as it stands at last."""
    for place in sorted(places, key=len, reverse=True):
        text = text.replace(place, "<folder>")
    lines = (_as_seen(line) for line in _ESCAPES.sub("", text).split("\n"))
    return "\n".join(_MASKED.sub("<time>", line).rstrip() for line in lines)


def _as_seen(line: str) -> str:
    """What is left of a line that was drawn again and again, as progress bars are."""
    line = re.sub(r"[^\x08]*\x08+", "", line) if "\x08" in line else line
    parts = [part for part in line.split("\r") if part]
    return parts[-1] if parts else ""
