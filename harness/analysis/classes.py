"""The class table: which cells have equal weights, and which settings tell the classes apart."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from harness.analysis.cells import by_cell
from harness.analysis.columns import CLASS_COLUMNS, frame_of, names
from harness.analysis.effects import by_axis, effects, group_numbers
from harness.analysis.letters import UNSTABLE, letters
from harness.analysis.regions import (
    Description,
    Mask,
    describe,
    hull,
    in_words,
    region_in_words,
    values_in_words,
)
from harness.analysis.variation import Codes, Varied, common, varied

__all__ = ["by_axis", "by_class"]

Row = dict[str, object]

MOST_WORK = 20_000_000
"""Cells times classes up to which every class gets an exact description: some seconds."""


def by_class(runs: pd.DataFrame) -> pd.DataFrame:
    """One row per workload and class, the largest first, unstable cells last.

    See `CLASS_COLUMNS`. Cells without a completed run are in no class.
    """
    cells = by_cell(runs)
    cells = cells[cells["runs"] > 0].reset_index(drop=True)
    init = letters(cells["workload"], cells["init_sha256"]).str.lower()
    cells = cells.assign(init=init.where(cells["distinct_init"] == 1, UNSTABLE))
    parts = [part for _, part in cells.groupby("workload", sort=False)]
    rows = [row for part in parts for row in _rows(part.reset_index(drop=True))]
    return frame_of(pd.DataFrame(rows, columns=names(CLASS_COLUMNS)), CLASS_COLUMNS)


def _rows(cells: pd.DataFrame) -> Iterator[Row]:
    """The rows of one workload."""
    axes = varied(cells)
    codes = _matrix([axis.codes for axis in axes], len(cells))
    influence = _by_influence(cells, axes)
    numbers, members = _classes(cells)
    same_for = _same_for(axes, numbers, len(members))
    shared = common(cells)
    for number, (name, places) in enumerate(members):
        described = len(cells) * (number + 1) <= MOST_WORK
        inside = numbers == number
        where = (
            _where(codes, inside, influence, axes) if described else _within(codes[places], axes)
        )
        row = _facts(cells.iloc[places], name)
        told = "" if name == UNSTABLE else same_for[number]
        yield {**row, "where": where, "same_for": told, "common": shared}


def _classes(cells: pd.DataFrame) -> tuple[Codes, list[tuple[str, Codes]]]:
    """Each cell's class by number, and per class its name and the places of its cells."""
    found = cells["class"].to_numpy(dtype=object)
    present = sorted(set(found), key=lambda name: (name == UNSTABLE, len(name), name))
    numbers = cells["class"].map({name: i for i, name in enumerate(present)}).to_numpy(np.int64)
    order = np.argsort(numbers, kind="stable")
    edges = np.searchsorted(numbers[order], np.arange(len(present) + 1))
    spans = itertools.pairwise(edges)
    return numbers, [(str(n), order[a:b]) for n, (a, b) in zip(present, spans, strict=True)]


def _matrix(columns: Sequence[Codes], length: int) -> Codes:
    return np.column_stack(columns) if columns else np.zeros((length, 0), dtype=np.int64)


def _by_influence(cells: pd.DataFrame, axes: Sequence[Varied]) -> list[int]:
    """The axes by the share of comparable pairs in which they changed bits, the least first.

    Between equals the later one comes first, so that descriptions keep the earlier axes.
    """
    shares = []
    for effect in effects(cells):
        differ, same = int(str(effect["differ"])), int(str(effect["same"]))
        shares.append(differ / (differ + same) if differ + same else 0.5)
    return sorted(range(len(axes)), key=lambda place: (shares[place], -place))


def _where(codes: Codes, inside: Mask, influence: Sequence[int], axes: Sequence[Varied]) -> str:
    found: Description = describe(codes, inside, influence)
    return in_words(found, axes)


def _within(codes: Codes, axes: Sequence[Varied]) -> str:
    """The values that these cells have; exact for a single cell, else a hull (`within …`)."""
    text = region_in_words(hull(codes), axes)
    return text if len(codes) == 1 else f"within {text}"


def _same_for(axes: Sequence[Varied], classes: Codes, count: int) -> list[str]:
    """Per class the axes in which cells of it differ alone; with values where not all of its do."""
    told: list[list[str]] = [[] for _ in range(count)]
    for axis in axes:
        others = [other.codes for other in axes if other is not axis]
        group = group_numbers([classes, *others], len(classes))
        rows = pd.DataFrame({"group": group, "class": classes, "code": axis.codes})
        several = rows.groupby("group")["code"].transform("nunique") > 1
        found = rows[several].drop_duplicates(["class", "code"]).sort_values("code")
        has = rows.groupby("class")["code"].nunique()
        for number, codes in found.groupby("class")["code"]:
            every = len(codes) == has[number]
            told[int(str(number))].append(
                axis.name if every else values_in_words(axis, codes.tolist())
            )
    return [", ".join(parts) for parts in told]


def _facts(cells: pd.DataFrame, name: str) -> Row:
    stable = name != UNSTABLE
    ids = cells["matrix"] + "/" + cells["machine"] + "/" + cells["cell"]
    return {
        "workload": cells["workload"].iloc[0],
        "class": name,
        "weights_sha256": cells["weights_sha256"].iloc[0] if stable else None,
        "init": ", ".join(sorted(cells["init"].unique())),
        "cells": len(cells),
        "untested": int((cells["verdict"] == "untested").sum()),
        "runs": int(cells["runs"].sum()),
        "distinct": 1 if stable else int(cells["distinct"].sum()),
        "metric": cells["metric"].iloc[0],
        "loss_min": cells["loss"].min(),
        "loss_max": cells["loss"].max(),
        "value_min": cells["value"].min(),
        "value_max": cells["value"].max(),
        "cell_ids": ids.tolist(),
    }
