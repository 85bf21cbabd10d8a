"""What varies between the cells of a workload, and what merely follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.analysis import parameters
from harness.analysis.axis_values import UNKNOWN, VERSIONS, in_order, shown
from harness.analysis.columns import AXIS_NAMES
from harness.protocol.axes import BY_NAME
from harness.subjects.reference import is_script

SETTINGS: tuple[str, ...] = (
    *VERSIONS,
    *("requirements", "device", "machine", "engine"),
    *AXIS_NAMES,
)
"""What can distinguish two cells of a workload, in the order in which it is shown.

Parameters of users' scripts come after them, see `settings_of`."""

Codes = npt.NDArray[np.int64]

_MOST_GROUPS = 2**62
"""More combinations of values than a whole number can tell apart."""


@dataclass(frozen=True, kw_only=True)
class VariedAxis:
    """An axis with more than one value among the cells of a workload.

    `values` are in their natural order, `ordered` says that ranges of them make sense, `codes`
    gives each cell's value as its place in `values`, `followers` what changes whenever this axis
    does, so that the two cannot be told apart.
    """

    name: str
    values: tuple[str, ...]
    ordered: bool
    codes: Codes
    followers: tuple[str, ...] = ()


def settings_of(cells: pd.DataFrame) -> tuple[str, ...]:
    """What can distinguish two cells of this table, in the order in which it is shown."""
    return (*SETTINGS, *parameters.names_in(cells))


def texts(column: pd.Series[str]) -> pd.Series[str]:
    """A column as text, `?` where it is not known."""
    return column.astype("string").fillna(UNKNOWN)


def found_values(cells: pd.DataFrame, name: str) -> pd.Series[str]:
    """The values of a setting that were in force: as read back, as asked where that failed."""
    column = f"found_{name}"
    return cells[column].fillna(cells[name]) if column in cells else cells[name]


def shared(cells: pd.DataFrame) -> dict[str, str]:
    """What all cells share and is known; axes at their default are left out, except the seed."""
    values = {name: factorised(cells[name])[1] for name in settings_of(cells)}
    scripts = all(map(is_script, cells["workload"].unique()))
    return {
        name: str(own[0])
        for name, own in values.items()
        if len(own) == 1 and _is_notable(name, str(own[0]), scripts)
    }


def shared_by_all(cells: pd.DataFrame) -> str:
    """What all cells share, as `python=3.10, seed=42`; axes at their default are left out."""
    return assignments(shared(cells))


def assignments(values: Mapping[str, str]) -> str:
    """`python=3.10, seed=42`."""
    return ", ".join(f"{name}={shown(value)}" for name, value in values.items())


def _is_notable(name: str, value: str, scripts: bool) -> bool:
    if name == "requirements":
        return value != ""
    if name not in AXIS_NAMES:
        return True
    default = BY_NAME[name].script_default if scripts else BY_NAME[name].default
    return (name == "seed" and not scripts) or value != ("" if default == () else str(default))


def asked_axes(cells: pd.DataFrame) -> list[VariedAxis]:
    """The axes for which different values were asked, in the order of `SETTINGS`.

    Versions that follow another one are left out: a version follows if it is the same wherever
    the other is the same, as Keras does where no cell has another Keras with the same TensorFlow.
    """
    columns = _varying({name: cells[name] for name in settings_of(cells)})
    return _leaders(columns, _following_versions(columns))


def found_axes(cells: pd.DataFrame) -> list[VariedAxis]:
    """The axes for which different values were asked and are found, with the values found.

    Left out, and named as its follower, is also what was found to change with another axis
    although the same was asked for: XLA, say, where op determinism turns it off.
    """
    settings = settings_of(cells)
    asked = {name: _factors(cells[name]) for name in settings}
    columns = _varying({name: found_values(cells, name) for name in settings})
    leaders = {name: one for name, one in columns.items() if len(asked[name].values) > 1}
    followers = _following_versions(leaders)
    hidden = {name for names in followers.values() for name in names}
    for name, column in columns.items():
        if name in AXIS_NAMES and _changes_unasked(asked[name].codes, column.codes):
            others = (one for one in leaders if one != name and one not in hidden)
            leader = next((one for one in others if _determined(columns, name, [one])), None)
            if leader is not None:
                own = followers.pop(name, ())
                followers[leader] = (*followers.get(leader, ()), name, *own)
                hidden.add(name)
    return _leaders(leaders, followers)


@dataclass(frozen=True, kw_only=True)
class _Factors:
    """A column as the place of each value in `values`, which are as they come."""

    values: Sequence[str]
    codes: Codes


def _varying(columns: Mapping[str, pd.Series[str]]) -> dict[str, _Factors]:
    factors = {name: _factors(column) for name, column in columns.items()}
    return {name: one for name, one in factors.items() if len(one.values) > 1}


def _leaders(
    columns: Mapping[str, _Factors], followers: Mapping[str, tuple[str, ...]]
) -> list[VariedAxis]:
    hidden = {name for names in followers.values() for name in names}
    return [
        _axis(name, column, followers.get(name, ()))
        for name, column in columns.items()
        if name not in hidden
    ]


def factorised(column: pd.Series[Any]) -> tuple[Codes, npt.NDArray[Any]]:
    """Each value's place among the different ones, -1 for a missing one, and the different ones."""
    # Plain objects: pandas takes several times as long for its own text arrays.
    codes, values = pd.factorize(column.to_numpy(dtype=object))
    return codes.astype(np.int64), values


def _factors(column: pd.Series[str]) -> _Factors:
    codes, different = factorised(column)
    values = [str(value) for value in different]
    if (codes < 0).any():
        # A value may itself be `?`: the two are one then, as they are in a table.
        values = values if UNKNOWN in values else [*values, UNKNOWN]
        codes = np.where(codes < 0, values.index(UNKNOWN), codes)
    return _Factors(values=values, codes=codes)


def _axis(name: str, column: _Factors, followers: tuple[str, ...]) -> VariedAxis:
    values, ordered = in_order(name, column.values)
    places = {value: place for place, value in enumerate(values)}
    codes = np.array([places[value] for value in column.values], dtype=np.int64)[column.codes]
    return VariedAxis(name=name, values=values, ordered=ordered, codes=codes, followers=followers)


def group_numbers(codes: Sequence[Codes], length: int) -> Codes:
    """Equal numbers, from 0 on, for rows that are equal in all of `codes`."""
    group, groups = np.zeros(length, dtype=np.int64), 1
    for column in codes:
        several = int(column.max(initial=0)) + 1
        if groups * several > _MOST_GROUPS:
            group, different = pd.factorize(group)
            groups = len(different)
        group, groups = group * several + column, groups * several
    return pd.factorize(group)[0].astype(np.int64)


def _following_versions(columns: Mapping[str, _Factors]) -> dict[str, tuple[str, ...]]:
    """Whom the versions (and the engine) follow."""
    followers: dict[str, tuple[str, ...]] = {}
    chain = (("python", ["tensorflow"]), ("numpy", ["tensorflow", "python"]))
    for name, leaders in (*chain, ("keras", [*VERSIONS[:3]]), ("engine", ["machine"])):
        present = [leader for leader in leaders if leader in columns]
        if name in columns and present and _determined(columns, name, present):
            alone = [one for one in present if _determined(columns, name, [one])]
            leader = (alone or present)[0]
            leader = next((top for top, below in followers.items() if leader in below), leader)
            followers[leader] = (*followers.get(leader, ()), name)
    return followers


def _determined(columns: Mapping[str, _Factors], name: str, leaders: Sequence[str]) -> bool:
    """Whether cells that are equal in all of `leaders` are equal in `name`."""
    codes = columns[name].codes
    led = group_numbers([columns[leader].codes for leader in leaders], len(codes))
    return _count(led) == _count(group_numbers([led, codes], len(codes)))


def _changes_unasked(asked: Codes, in_force: Codes) -> bool:
    """Whether different values were found where the same was asked."""
    return _count(asked) < _count(group_numbers([asked, in_force], len(asked)))


def _count(codes: Codes) -> int:
    """How many different ones there are, numbered from 0 without a gap."""
    return int(codes.max(initial=-1)) + 1
