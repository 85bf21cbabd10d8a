"""What varies between the cells of a workload, and what merely follows from it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from packaging.version import InvalidVersion, Version

from harness.analysis.columns import AXIS_NAMES
from harness.protocol.axes import BY_NAME

VERSIONS = ("tensorflow", "python", "numpy", "keras")
SETTINGS: tuple[str, ...] = (*VERSIONS, "device", "machine", "engine", *AXIS_NAMES)
"""What can distinguish two cells of a workload, in the order in which it is told."""

UNKNOWN = "?"
Codes = npt.NDArray[np.int64]

_MOST_GROUPS = 2**62
"""More combinations of values than a whole number can tell apart."""


@dataclass(frozen=True, kw_only=True)
class Varied:
    """An axis with more than one value among the cells of a workload.

    `values` are in their natural order, `ordered` says that ranges of them make sense, `codes`
    gives each cell's value as its place in `values`, `followers` the versions that change
    whenever this axis does, so that the two cannot be told apart.
    """

    name: str
    values: tuple[str, ...]
    ordered: bool
    codes: Codes
    followers: tuple[str, ...] = ()


def shown(value: str) -> str:
    """A value as it stands in a sentence."""
    if value == "":
        return "none"
    return f"“{value}”" if " " in value or "=" in value else value


def texts(cells: pd.DataFrame, name: str) -> pd.Series[str]:
    """A column as text, `?` where it is not known."""
    return cells[name].astype("string").fillna(UNKNOWN)


def shared(cells: pd.DataFrame) -> dict[str, str]:
    """What all cells share and is known; axes at their default are left out, except the seed."""
    told = {}
    for name in SETTINGS:
        _, values = factorised(cells[name])
        if len(values) == 1 and (name not in AXIS_NAMES or _worth_telling(name, str(values[0]))):
            told[name] = str(values[0])
    return told


def shared_by_all(cells: pd.DataFrame) -> str:
    """What all cells share, as `python=3.10, seed=42`; axes at their default are left out."""
    return assignments(shared(cells))


def assignments(values: Mapping[str, str]) -> str:
    """`python=3.10, seed=42`."""
    return ", ".join(f"{name}={shown(value)}" for name, value in values.items())


def _worth_telling(name: str, value: str) -> bool:
    default = BY_NAME[name].default
    return name == "seed" or value != ("" if default == () else str(default))


def varied(cells: pd.DataFrame) -> list[Varied]:
    """The axes that vary among these cells and follow from no other, in the order of `SETTINGS`.

    A version follows another if it is the same wherever that is the same: Keras, say, where no
    cell has another Keras with the same TensorFlow.
    """
    columns = {name: _factors(cells[name]) for name in SETTINGS}
    several = {name: column for name, column in columns.items() if len(column.values) > 1}
    followers = _followers({name: column.codes for name, column in several.items()})
    hidden = {name for names in followers.values() for name in names}
    return [
        _varied(name, column, followers.get(name, ()))
        for name, column in several.items()
        if name not in hidden
    ]


@dataclass(frozen=True, kw_only=True)
class _Factors:
    """A column as the place of each value in `values`, which are as they come."""

    values: Sequence[str]
    codes: Codes


def factorised(column: pd.Series[Any]) -> tuple[Codes, npt.NDArray[Any]]:
    """Each value's place among the different ones, -1 for a missing one, and the different ones."""
    # Plain objects: pandas takes several times as long for its own text arrays.
    codes, values = pd.factorize(column.to_numpy(dtype=object))
    return codes.astype(np.int64), values


def _factors(column: pd.Series[str]) -> _Factors:
    codes, values = factorised(column)
    told = [str(value) for value in values]
    if (codes < 0).any():
        # A value may itself be `?`: the two are one then, as they are in a table.
        told = told if UNKNOWN in told else [*told, UNKNOWN]
        codes = np.where(codes < 0, told.index(UNKNOWN), codes)
    return _Factors(values=told, codes=codes)


def _varied(name: str, column: _Factors, followers: tuple[str, ...]) -> Varied:
    values, ordered = in_order(name, column.values)
    places = {value: place for place, value in enumerate(values)}
    codes = np.array([places[value] for value in column.values], dtype=np.int64)[column.codes]
    return Varied(name=name, values=values, ordered=ordered, codes=codes, followers=followers)


def group_numbers(codes: Sequence[Codes], length: int) -> Codes:
    """Equal numbers, from 0 on, for rows that are equal in all of `codes`."""
    group, groups = np.zeros(length, dtype=np.int64), 1
    for column in codes:
        several = int(column.max(initial=0)) + 1
        if groups * several > _MOST_GROUPS:
            group, found = pd.factorize(group)
            groups = len(found)
        group, groups = group * several + column, groups * several
    return pd.factorize(group)[0].astype(np.int64)


def _followers(columns: Mapping[str, Codes]) -> dict[str, tuple[str, ...]]:
    """Whom the versions (and the engine) follow."""
    found: dict[str, tuple[str, ...]] = {}
    chain = (("python", ["tensorflow"]), ("numpy", ["tensorflow", "python"]))
    for name, leaders in (*chain, ("keras", [*VERSIONS[:3]]), ("engine", ["machine"])):
        present = [leader for leader in leaders if leader in columns]
        if name in columns and present and _determined(columns, name, present):
            alone = [one for one in present if _determined(columns, name, [one])]
            leader = (alone or present)[0]
            leader = next((top for top, below in found.items() if leader in below), leader)
            found[leader] = (*found.get(leader, ()), name)
    return found


def _determined(columns: Mapping[str, Codes], name: str, leaders: Sequence[str]) -> bool:
    led = group_numbers([columns[leader] for leader in leaders], len(columns[name]))
    both = group_numbers([led, columns[name]], len(led))
    return bool(led.max(initial=-1) == both.max(initial=-1))


def _version(text: str) -> Version:
    """The version, for sorting: of `2.2.4-tf`, which is none, the part that is."""
    try:
        return Version(text)
    except InvalidVersion:
        match = re.match(r"[0-9]+(\.[0-9]+)*", text)
        return Version(match[0] if match else "0")


def in_order(name: str, values: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    """The values in their natural order, and whether ranges of them make sense.

    Versions and numbers have one; of words the default comes first, and numbers come last.
    """
    if name in VERSIONS or all(value.isdigit() for value in values):
        return tuple(sorted(values, key=lambda value: (_version(value), value))), True
    words = (str(BY_NAME[name].default), *BY_NAME[name].words) if name in BY_NAME else ()
    places = {word: place for place, word in enumerate(dict.fromkeys(words))}

    def place(value: str) -> tuple[int, int, str]:
        number = int(value) if value.isdigit() else 0
        return places.get(value, len(places)), number, value

    return tuple(sorted(values, key=place)), False
