"""An axis' value as text, and the order of such texts: the one place for both.

Records have numbers as numbers and `env` as an object; tables have texts, the same for what was
asked and what was found, so that the two can be compared.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from packaging.version import InvalidVersion, Version

from harness.protocol.axes import BY_NAME

VERSIONS = ("tensorflow", "python", "numpy", "keras")

UNKNOWN = "?"
"""Stands for a value that is not known."""


def as_text(value: object) -> str:
    """The value as in the matrix; variables as `A=1 B=2`, sorted by name."""
    if isinstance(value, dict):
        return " ".join(f"{name}={value[name]}" for name in sorted(value))
    return str(value)


def shown(value: str) -> str:
    """A value as it stands in a sentence."""
    if value == "":
        return "none"
    return f"“{value}”" if " " in value or "=" in value else value


def in_order(name: str, values: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """The values in their natural order, and whether ranges of them make sense.

    Versions and numbers have one; of words the default comes first, and numbers come last.
    """
    if name in VERSIONS:
        return tuple(sorted(values, key=lambda value: (_version(value), value))), True
    if all(value.isdigit() for value in values):
        return tuple(sorted(values, key=int)), True
    in_catalogue = (str(BY_NAME[name].default), *BY_NAME[name].words) if name in BY_NAME else ()
    places = {word: place for place, word in enumerate(dict.fromkeys(in_catalogue))}

    def place(value: str) -> tuple[int, int, str]:
        number = int(value) if value.isdigit() else 0
        return places.get(value, len(places)), number, value

    return tuple(sorted(values, key=place)), False


def _version(text: str) -> Version:
    """The version, for sorting: of `2.2.4-tf`, which is none, the part that is."""
    try:
        return Version(text)
    except InvalidVersion:
        match = re.match(r"[0-9]+(\.[0-9]+)*", text)
        return Version(match[0] if match else "0")
