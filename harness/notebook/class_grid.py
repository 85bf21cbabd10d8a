"""Figure 1 of the page as a value: a letter per cell, equal letters for equal bits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.analysis.axis_values import in_order, shown
from harness.analysis.class_letters import UNSTABLE
from harness.analysis.varied_axes import VariedAxis, settings_of, shared_by_all, texts
from harness.errors import SelectionError, UsageError
from harness.notebook import colours, grid_html, sources
from harness.notebook.sources import Selection
from harness.publish import page_data
from harness.publish.page_data import Part
from harness.results.statuses import STATUSES

WIDEST = 36
"""Columns up to which axes go across, as on the page."""

Key = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Tile:
    """What stands for the cells that share a place.

    `names` are the different classes (`unstable` for cells that have none, "" for cells without
    weights), `text` is what is written, `title` says which cells these are and why some have none.
    """

    text: str
    names: tuple[str, ...]
    title: str


@dataclass(frozen=True, kw_only=True)
class ClassGrid:
    """The cells of one workload; `tiles` has those that there are, by row and column.

    `shared` is what all cells have in common, `counts` how many cells each class or status has.
    """

    workload: str
    row_axes: tuple[str, ...]
    column_axes: tuple[str, ...]
    rows: tuple[Key, ...]
    columns: tuple[Key, ...]
    tiles: dict[tuple[Key, Key], Tile]
    shared: str
    counts: dict[str, int]

    @property
    def frame(self) -> pd.DataFrame:
        """The letters as a DataFrame, "" where there is no cell."""
        letters = [
            [
                self.tiles[row, column].text if (row, column) in self.tiles else ""
                for column in self.columns
            ]
            for row in self.rows
        ]
        frame: pd.DataFrame = pd.DataFrame(
            letters,
            index=_index(self.rows, self.row_axes),
            columns=_index(self.columns, self.column_axes),
        )
        return frame


@dataclass(frozen=True, kw_only=True)
class ClassGrids:
    """A grid per workload, which a notebook shows in colour."""

    grids: tuple[ClassGrid, ...]

    def __iter__(self) -> Iterator[ClassGrid]:
        return iter(self.grids)

    def __repr__(self) -> str:
        whole = "\n\n".join(f"{grid.workload}\n{grid.frame.to_string()}" for grid in self.grids)
        return "\n".join(line.rstrip() for line in whole.split("\n"))

    def _repr_html_(self) -> str:
        return "".join(grid_html.of_grid(grid) for grid in self.grids)


def grid(
    *folders: str | Path,
    workload: str | None = None,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    only: Selection = (),
) -> ClassGrids:
    """A grid of letters for each workload: cells with equal letters left the same bits.

    Args:
        folders: results folders and bundles; `results` if none is named.
        workload: one of the workloads; all of them if none is named.
        rows, columns: the settings that go down and across, the outer ones first. Without any the
            grid is arranged as on the page, the axes with most values across; if only one of the
            two is given, all other axes go the other way. If both are, cells that are equal in all
            of these settings share a tile, which has all their letters.
        only: globs over ids of cells, or names of workloads; all cells if none is given.

    Returns:
        Grids that a notebook shows in colour and other places as text; each has its letters as a
        DataFrame, `frame`. ≠ stands for an unstable cell, other signs for the status of one that
        left no weights.

    Raises:
        UsageError: there are no results in a folder, it is neither folder nor bundle, there is no
            such setting, or it is named twice.
        RecordError: a record, plan or bundle is damaged or of another schema.
        SelectionError: `only` matches no cell, there is no such workload, or nothing is planned.

    >>> import harness
    >>> grids = harness.grid("results/gpu-check", only="co2-lstm")
    >>> grids
    co2-lstm
    determinism off on
                  ≠  A
    >>> [grid.counts for grid in grids]
    [{'A': 1, 'unstable': 1}]
    """
    with sources.read(folders, only) as results:
        parts = parts_of(results.runs, workload)
        return ClassGrids(
            grids=tuple(_of_part(part, _texts(rows), _texts(columns)) for part in parts)
        )


def parts_of(runs: pd.DataFrame, workload: str | None) -> list[Part]:
    """The planned cells of one workload, or by workload of all.

    Raises:
        SelectionError: there is no such workload, or nothing is planned.
    """
    every = page_data.parts(runs)
    parts = [part for part in every if workload in (None, part.workload)]
    if not every:
        raise SelectionError("nothing is planned in these results: there are no cells to show")
    if not parts:
        present = ", ".join(part.workload for part in every)
        raise SelectionError(f"no workload {workload!r} in these results; there are {present}")
    return parts


def _texts(names: Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _of_part(part: Part, rows: tuple[str, ...], columns: tuple[str, ...]) -> ClassGrid:
    down, across = _arranged(part, rows, columns)
    row_keys, column_keys = _keys(down, len(part.cells)), _keys(across, len(part.cells))
    places: dict[tuple[Key, Key], list[int]] = {}
    for cell, place in enumerate(zip(row_keys, column_keys, strict=True)):
        places.setdefault(place, []).append(cell)
    return ClassGrid(
        workload=part.workload,
        row_axes=tuple(axis.name for axis in down),
        column_axes=tuple(axis.name for axis in across),
        rows=_in_order(row_keys, down),
        columns=_in_order(column_keys, across),
        tiles=dict(_tiles(part.cells, places)),
        shared=shared_by_all(part.cells),
        counts=_counts(part.cells),
    )


def _arranged(
    part: Part, rows: tuple[str, ...], columns: tuple[str, ...]
) -> tuple[list[VariedAxis], list[VariedAxis]]:
    twice = [name for name in rows + columns if (rows + columns).count(name) > 1]
    if twice:
        raise UsageError(f"{twice[0]!r} is named twice among rows and columns: name it once")
    if not rows and not columns:
        return _as_on_the_page(part.axes)
    rest = [axis for axis in part.axes if axis.name not in rows + columns]
    down = [_axis(part, name) for name in rows]
    across = [_axis(part, name) for name in columns]
    return (down or rest), (across or rest)


def _as_on_the_page(axes: Sequence[VariedAxis]) -> tuple[list[VariedAxis], list[VariedAxis]]:
    """An arrangement that is about as wide as high, the axes with most values across."""
    across: list[VariedAxis] = []
    width, height = 1, 1
    for axis in sorted(axes, key=lambda axis: -len(axis.values)):
        size = len(axis.values)
        if width * size <= WIDEST and width <= height * 2:
            across.append(axis)
            width *= size
        else:
            height *= size
    names = {axis.name for axis in across}
    return (
        [axis for axis in axes if axis.name not in names],
        [axis for axis in axes if axis.name in names],
    )


def _axis(part: Part, name: str) -> VariedAxis:
    """An axis by its name; a setting that does not vary, or follows another one, may be one."""
    found = next((axis for axis in part.axes if axis.name == name), None)
    if found is not None:
        return found
    if name not in (*settings_of(part.cells), "matrix", "cell"):
        varied = ", ".join(axis.name for axis in part.axes) or "nothing"
        raise UsageError(f"{name!r} is no setting of {part.workload}; what varies is {varied}")
    column = texts(part.cells[name])
    values, ordered = in_order(name, sorted(set(column)))
    places = {value: place for place, value in enumerate(values)}
    codes = column.map(places).to_numpy(dtype=np.int64)
    return VariedAxis(name=name, values=values, ordered=ordered, codes=codes)


def _keys(axes: Sequence[VariedAxis], cells: int) -> list[Key]:
    """Per cell its values on these axes."""
    return [tuple(shown(axis.values[axis.codes[row]]) for axis in axes) for row in range(cells)]


def _in_order(keys: Sequence[Key], axes: Sequence[VariedAxis]) -> tuple[Key, ...]:
    """The different keys, by the natural order of the axes from the outer to the inner one."""
    codes = zip(*(axis.codes.tolist() for axis in axes), strict=True) if axes else [()] * len(keys)
    return tuple(key for _, key in sorted(set(zip(codes, keys, strict=True))))


def _tiles(
    cells: pd.DataFrame, places: Mapping[tuple[Key, Key], Sequence[int]]
) -> Iterator[tuple[tuple[Key, Key], Tile]]:
    names = cells["class"].fillna("").tolist()
    marks = [_mark(name, status) for name, status in zip(names, _statuses(cells), strict=True)]
    titles = list(_titles(cells))
    for place, members in places.items():
        own = {marks[member] for member in members}
        yield (
            place,
            Tile(
                text=" ".join(sorted(own, key=lambda mark: (len(mark), mark))),
                names=tuple(sorted({names[member] for member in members})),
                title="; ".join(titles[member] for member in members),
            ),
        )


def _mark(name: str, status: str) -> str:
    if name == UNSTABLE:
        return colours.UNSTABLE_MARK
    return name or colours.MARKS[status]


def _statuses(cells: pd.DataFrame) -> list[str]:
    """The status of most runs of each cell."""
    return [str(name) for name in cells[list(STATUSES)].idxmax(axis="columns")]


def _titles(cells: pd.DataFrame) -> Iterator[str]:
    columns = ("cell", "machine", "verdict", "status", "reason")
    for cell, machine, verdict, status, reason in zip(*(cells[c] for c in columns), strict=True):
        facts = [f"{machine}/{cell}", verdict, status if status != "completed" else "", reason]
        yield ", ".join(str(fact) for fact in facts if not pd.isna(fact) and fact != "")


def _counts(cells: pd.DataFrame) -> dict[str, int]:
    """How many cells each class has, the unstable ones last, then each status without weights."""
    names, statuses = cells["class"].fillna(""), pd.Series(_statuses(cells), index=cells.index)
    classes = names[names != ""].value_counts()
    order = sorted(classes.index, key=lambda name: (name == UNSTABLE, len(name), name))
    without = statuses[names == ""].value_counts()
    return {
        **{str(name): int(classes[name]) for name in order},
        **{name: int(without[name]) for name in STATUSES if name in without},
    }


def _index(keys: Sequence[Key], names: Sequence[str]) -> pd.Index[Any]:
    index: pd.Index[Any]
    if len(names) > 1:
        index = pd.MultiIndex.from_tuples(keys, names=list(names))
    else:
        index = pd.Index(["".join(key) for key in keys], name="".join(names) or None)
    return index
