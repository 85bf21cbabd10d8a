"""The smallest set of attributes whose values tell the classes of a workload apart.

Attributes are settings, versions, and what the machines are: microarchitecture, CPU flags, caches,
number of CPUs. A set explains the classes if cells with equal values of it are always in one class.
That is an observation about these cells and no proof: what never varied alone cannot be told from
what varied with it, so attributes that divide the cells in the same way are named together.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.analysis.axis_values import UNKNOWN
from harness.analysis.cell_table import by_cell
from harness.analysis.class_table import by_class
from harness.analysis.columns import EXPLAINED_COLUMNS, frame_of
from harness.analysis.hardware import Hardware
from harness.analysis.merging import MergedResults
from harness.analysis.varied_axes import (
    Codes,
    found_values,
    group_numbers,
    settings_of,
    texts,
)

MOST_WORK = 20_000_000
"""Cells (and a constant) times sets of attributes up to which all sets of a size are tried: some
seconds."""

_PER_SET = 2_000
"""What a set costs however few the cells are, in cells."""

MOST_SETS = 4
"""Equally small sets that are named."""


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """Something that varies among cells; `same_as` are others that divide them in the same way."""

    name: str
    codes: Codes
    same_as: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} (= {', '.join(self.same_as)})" if self.same_as else self.name


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """The sets of attributes that explain the classes, all of one size.

    `smallest` says that all smaller sets were tried. `unexplained` counts the cells that are in
    another class than most cells with the same attributes.
    """

    sets: tuple[tuple[Attribute, ...], ...]
    smallest: bool
    unexplained: int

    def __str__(self) -> str:
        return "; or ".join(" + ".join(map(str, one)) for one in self.sets if one)


def by_class_explained(merged: MergedResults) -> pd.DataFrame:
    """The class table over all machines, with what explains it; see `EXPLAINED_COLUMNS`."""
    cells = by_cell(merged.runs)
    cells = cells[cells["distinct"] > 0]
    table = by_class(merged.runs)
    explanations = {
        str(workload): explain(attributes(part, merged.machines), part["class"].tolist())
        for workload, part in cells.groupby("workload", sort=False)
    }
    machines = cells.groupby(["workload", "class"])["machine"].agg(_listed).to_dict()
    keys = zip(table["workload"], table["class"], strict=True)
    explained = [explanations[workload] for workload in table["workload"]]
    return frame_of(
        table.assign(
            machines=[machines[key] for key in keys],
            explained_by=[str(one) for one in explained],
            smallest=[one.smallest for one in explained],
            unexplained=[one.unexplained for one in explained],
        ),
        EXPLAINED_COLUMNS,
    )


def _listed(machines: pd.Series[str]) -> str:
    return ", ".join(machines.unique())


def attributes(cells: pd.DataFrame, machines: Mapping[str, Hardware | None]) -> list[Attribute]:
    """What varies among these cells, settings first, the machine itself last."""
    names = (name for name in settings_of(cells) if name != "machine")
    columns = {name: texts(found_values(cells, name)).tolist() for name in names}
    for name, of in _of_hardware([one for one in machines.values() if one]).items():
        described = (machines[machine] for machine in cells["machine"])
        columns[name] = [of[one] if one else UNKNOWN for one in described]
    columns["machine"] = cells["machine"].tolist()
    return _merged(columns)


def _of_hardware(machines: Sequence[Hardware]) -> dict[str, dict[Hardware, str]]:
    """Every attribute of the hardware, with its value on each machine."""
    return {
        "microarchitecture": {one: one.microarchitecture for one in machines},
        **_of_flags(machines),
        **_of_caches(machines),
        **_known("CPUID", {one: one.cpuid for one in machines}),
        "CPU": {one: one.cpu_model for one in machines},
        "visible CPUs": {one: str(one.cpus) for one in machines},
        "GPUs": {one: ", ".join(one.gpus) for one in machines},
    }


def _of_flags(machines: Sequence[Hardware]) -> dict[str, dict[Hardware, str]]:
    """The CPU flags, those together that the same machines have."""
    together: dict[frozenset[Hardware], list[str]] = {}
    for flag in sorted({flag for one in machines for flag in one.flags}):
        having = frozenset(one for one in machines if flag in one.flags)
        together.setdefault(having, []).append(flag)
    return {
        f"CPU flag{'s' if len(flags) > 1 else ''} {_span(flags)}": {
            one: str(one in having) for one in machines
        }
        for having, flags in together.items()
    }


def _of_caches(machines: Sequence[Hardware]) -> dict[str, dict[Hardware, str]]:
    """The sizes of the caches, each by its level."""
    levels = sorted({level for one in machines for level, _ in one.caches})
    sizes = {one: dict(one.caches) for one in machines}
    found: dict[str, dict[Hardware, str]] = {}
    for level in levels:
        found.update(_known(f"{level} cache", {one: sizes[one].get(level, "") for one in machines}))
    return found


def _known(name: str, values: Mapping[Hardware, str]) -> dict[str, dict[Hardware, str]]:
    """The attribute, if it is known to vary; machines that do not say it are named with it.

    Not knowing is no value: it would tell machines apart by how old their records are.
    """
    silent = [one.fingerprint for one, value in values.items() if not value]
    if len({value for value in values.values() if value}) < 2:
        return {}
    where = f" (unknown of {', '.join(silent)})" if silent else ""
    return {f"{name}{where}": {one: value or UNKNOWN for one, value in values.items()}}


def _span(flags: Sequence[str]) -> str:
    return f"{flags[0]} … {flags[-1]}" if len(flags) > 2 else " ".join(flags)


def _merged(columns: Mapping[str, Sequence[Any]]) -> list[Attribute]:
    """One attribute per way in which the cells are divided; none where they are not."""
    merged: dict[bytes, Attribute] = {}
    for name, values in columns.items():
        codes = pd.factorize(np.array(values, dtype=object))[0].astype(np.int64)
        if not codes.any():
            continue
        first = merged.get(codes.tobytes())
        merged[codes.tobytes()] = (
            Attribute(name=name, codes=codes)
            if first is None
            else Attribute(name=first.name, codes=codes, same_as=(*first.same_as, name))
        )
    return list(merged.values())


def explain(attributes: Sequence[Attribute], classes: Sequence[str]) -> Explanation:
    """The smallest sets that explain the classes as well as all attributes together do.

    Tries all sets, small ones first, as long as that is quick; then adds greedily the attribute
    that explains most, and leaves out what was not needed.
    """
    numbers = pd.factorize(np.array(classes, dtype=object))[0].astype(np.int64)
    least = _unexplained(attributes, numbers)
    work = 0
    for size in range(len(attributes) + 1):
        sets = itertools.combinations(attributes, size)
        work += (len(numbers) + _PER_SET) * math.comb(len(attributes), size)
        if work > MOST_WORK:
            break
        sufficient = [one for one in sets if _unexplained(one, numbers) == least]
        if sufficient:
            return Explanation(sets=tuple(sufficient[:MOST_SETS]), smallest=True, unexplained=least)
    return Explanation(
        sets=(_greedy(attributes, numbers, least),), smallest=False, unexplained=least
    )


def _unexplained(attributes: Sequence[Attribute], classes: Codes) -> int:
    """Cells that are not in the most frequent class of the cells that are equal to them."""
    groups = group_numbers([attribute.codes for attribute in attributes], len(classes))
    pairs, counts = np.unique(np.stack([groups, classes]), axis=1, return_counts=True)
    most = np.zeros(int(groups.max(initial=0)) + 1, dtype=np.int64)
    np.maximum.at(most, pairs[0], counts)
    return int(len(classes) - most.sum())


def _greedy(attributes: Sequence[Attribute], classes: Codes, least: int) -> tuple[Attribute, ...]:
    chosen: list[Attribute] = []
    for best in _best_first(attributes, classes):
        if _unexplained(chosen, classes) == least:
            break
        chosen.append(best)
    for attribute in list(chosen):
        rest = [one for one in chosen if one is not attribute]
        if _unexplained(rest, classes) == least:
            chosen = rest
    return tuple(one for one in attributes if any(one is other for other in chosen))


def _best_first(attributes: Sequence[Attribute], classes: Codes) -> Iterator[Attribute]:
    chosen: list[Attribute] = []
    left = list(attributes)
    while left:
        counts = [_unexplained([*chosen, one], classes) for one in left]
        best = left.pop(counts.index(min(counts)))
        chosen.append(best)
        yield best
