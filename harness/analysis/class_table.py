"""The class table: which cells have equal weights, and which settings tell the classes apart."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd

from harness.analysis.axis_table import pairs
from harness.analysis.cell_table import WEIGHTS, by_cell, judged_by
from harness.analysis.class_letters import UNSTABLE, class_letters
from harness.analysis.columns import CLASS_COLUMNS, frame_of, names
from harness.analysis.regions import (
    Cells,
    describe,
    hull,
    in_words,
    region_in_words,
    set_of,
    values_in_words,
)
from harness.analysis.varied_axes import (
    Codes,
    VariedAxis,
    asked_axes,
    found_axes,
    group_numbers,
    shared_by_all,
)

MOST_WORK = 100_000_000
"""Cells times classes up to which every class gets an exact description: some seconds."""


def by_class(runs: pd.DataFrame, of: str = WEIGHTS) -> pd.DataFrame:
    """One row per workload and class, the largest first, unstable cells last.

    See `CLASS_COLUMNS`; `of` says what is equal in a class, `weights` or one of `BESIDE_WEIGHTS`,
    and the column of its digest has its name. Cells without it, or no longer planned, are in no
    class.
    """
    table = of_cells(judged_by(by_cell(runs), of))
    named: pd.DataFrame = table.rename(columns={"weights_sha256": f"{of}_sha256"})
    return named


def of_cells(cells: pd.DataFrame) -> pd.DataFrame:
    """`by_class` of runs whose cell table is there already."""
    cells = cells[cells["distinct"] > 0].reset_index(drop=True)
    init = class_letters(cells["workload"], cells["init_sha256"]).str.lower()
    init = init.where(cells["distinct_init"] <= 1, UNSTABLE).fillna("")
    cells = cells.assign(init=init)
    parts = [part for _, part in cells.groupby("workload", sort=False)]
    tables = [_of_workload(part.reset_index(drop=True)) for part in parts]
    none = pd.DataFrame(columns=names(CLASS_COLUMNS))
    return frame_of(pd.concat(tables) if tables else none, CLASS_COLUMNS)


def _of_workload(cells: pd.DataFrame) -> pd.DataFrame:
    axes = asked_axes(cells)
    codes = _matrix([axis.codes for axis in axes], len(cells))
    numbers, members = _classes(cells)
    influence, sets = _by_influence(cells, axes), Cells(codes)
    irrelevant = _same_for(found_axes(cells), numbers, len(members))
    where = []
    for number, (_, places) in enumerate(members):
        if len(cells) * (number + 1) <= MOST_WORK:
            where.append(in_words(describe(sets, set_of(numbers == number), influence), axes))
        else:
            where.append(_within(codes[places], axes))
    same_for = [
        "" if name == UNSTABLE else text
        for (name, _), text in zip(members, irrelevant, strict=True)
    ]
    facts = _facts(cells, [places for _, places in members])
    facts["where"], facts["same_for"], facts["every_cell"] = where, same_for, shared_by_all(cells)
    return facts


def _classes(cells: pd.DataFrame) -> tuple[Codes, list[tuple[str, Codes]]]:
    """Each cell's class by number, and per class its name and the places of its cells."""
    classes = set(cells["class"].to_numpy(dtype=object))
    present = sorted(classes, key=lambda name: (name == UNSTABLE, len(name), name))
    numbers = cells["class"].map({name: i for i, name in enumerate(present)}).to_numpy(np.int64)
    order = np.argsort(numbers, kind="stable")
    edges = np.searchsorted(numbers[order], np.arange(len(present) + 1))
    spans = itertools.pairwise(edges)
    return numbers, [(str(n), order[a:b]) for n, (a, b) in zip(present, spans, strict=True)]


def _matrix(columns: Sequence[Codes], length: int) -> Codes:
    return np.column_stack(columns) if columns else np.zeros((length, 0), dtype=np.int64)


def _by_influence(cells: pd.DataFrame, axes: Sequence[VariedAxis]) -> list[int]:
    """The axes by the share of comparable pairs in which they changed bits, the least first.

    Between equals the later one comes first, so that descriptions keep the earlier axes.
    """
    counts = [pairs(cells, axis, axes) for axis in axes]
    shares = [1 - one.same / one.comparable if one.comparable else 0.5 for one in counts]
    return sorted(range(len(axes)), key=lambda place: (shares[place], -place))


def _within(codes: Codes, axes: Sequence[VariedAxis]) -> str:
    """The values that these cells have; exact for a single cell, else a hull (`within …`)."""
    text = region_in_words(hull(codes), axes)
    return text if len(codes) == 1 else f"within {text}"


def _same_for(axes: Sequence[VariedAxis], classes: Codes, count: int) -> list[str]:
    """Per class the axes in which some of its cells differ alone; with values where not all do."""
    parts: list[list[str]] = [[] for _ in range(count)]
    for axis in axes:
        others = [other.codes for other in axes if other is not axis]
        group = group_numbers([classes, *others], len(classes))
        size = len(axis.values)
        several = np.bincount(np.unique(group * size + axis.codes) // size) > 1
        value = classes * size + axis.codes
        has = np.bincount(np.unique(value) // size, minlength=count)
        codes: dict[int, list[int]] = {}
        for number in np.unique(value[several[group]]).tolist():
            codes.setdefault(number // size, []).append(number % size)
        for number, its in codes.items():
            every = len(its) == has[number]
            parts[number].append(axis.name if every else values_in_words(axis, its))
    return [", ".join(own) for own in parts]


def _facts(cells: pd.DataFrame, members: Sequence[Codes]) -> pd.DataFrame:
    """What the cells of each class have together, a row per class number."""
    first = np.array([places[0] for places in members], dtype=np.int64)
    common = ["workload", "class", "weights_sha256", "metric"]
    facts: pd.DataFrame = cells.iloc[first][common].reset_index(drop=True)
    order = np.concatenate(members)
    starts = np.cumsum([0, *(len(places) for places in members[:-1])])
    facts["cells"] = [len(places) for places in members]
    untested = (cells["verdict"] == "untested").to_numpy(dtype=bool)
    counted = {"emulated": cells["emulated"], "untested": untested}
    counted |= {name: cells[name] for name in ("runs", "distinct")}
    for name, column in counted.items():
        facts[name] = np.add.reduceat(np.asarray(column, dtype=np.int64)[order], starts)
    for name in ("loss", "value"):
        column = cells[name].to_numpy(dtype=np.float64)[order]
        facts[f"{name}_min"] = np.fmin.reduceat(column, starts)
        facts[f"{name}_max"] = np.fmax.reduceat(column, starts)
    ids = (cells["matrix"] + "/" + cells["machine"] + "/" + cells["cell"]).to_numpy(dtype=object)
    init = cells["init"].to_numpy(dtype=object)
    facts["cell_ids"] = [ids[places].tolist() for places in members]
    facts["init"] = [", ".join(sorted(set(init[places]) - {""})) for places in members]
    stable = facts["class"] != UNSTABLE
    facts["distinct"] = facts["distinct"].where(~stable, 1)
    facts["weights_sha256"] = facts["weights_sha256"].where(stable)
    return facts
