"""One column of a table as people see it: short hashes, nine digits, short sizes of differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

HASH_DIGITS = 10


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One column as people see it.

    `rank` 0 stays whatever the width, higher ranks are left out first; `wraps` may be folded.
    """

    name: str
    header: str
    values: tuple[str, ...]
    numeric: bool = False
    rank: int = 0
    wraps: bool = False


def text(name: str, value: object) -> str:
    """A value as people read it: nothing for what is missing, the start of a hash."""
    if isinstance(value, list | tuple):
        return " ".join(str(part) for part in value)
    if pd.isna(value):  # type: ignore[call-overload]
        return ""
    if name.endswith("_sha256"):
        return str(value)[:HASH_DIGITS]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}" if name.endswith("_s") else f"{value:.9g}"
    return str(value)


def column(frame: pd.DataFrame, name: str, header: str = "", rank: int = 0) -> Shown:
    """A column of the frame as it is."""
    values = tuple(text(name, value) for value in frame[name])
    return Shown(
        name=name,
        header=header or name,
        values=values,
        numeric=pd.api.types.is_numeric_dtype(frame[name].dtype) and frame[name].dtype != bool,
        rank=rank,
        wraps=name in _WRAPPING,
    )


_WRAPPING = {
    *("reason", "where", "same_for", "values", "why", "every_cell", "status"),
    *("audit", "unlike", "test", "explained_by", "how", "found", "asked"),
    "set_by_script",
}


def formatted(
    frame: pd.DataFrame, name: str, header: str, form: Callable[[float], str], rank: int = 0
) -> Shown:
    """A column of numbers in the form that `form` gives them; nothing for what is missing."""
    values = tuple("" if pd.isna(value) else form(value) for value in frame[name])
    return Shown(name=name, header=header, values=values, numeric=True, rank=rank)


def short(value: float) -> str:
    """Two digits: the size of a difference."""
    return "0" if value == 0 else f"{value:.2g}"


def count(value: float) -> str:
    """A whole number, of millions its size."""
    return f"{value:,}" if value < 1_000_000 else f"{value:.1e}"


def signed(value: float) -> str:
    """Two digits with their sign."""
    return "0" if value == 0 else f"{value:+.2g}"


def exact(value: float) -> str:
    """Five digits."""
    return f"{value:.5g}"
