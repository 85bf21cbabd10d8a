"""Figure 1: the grid of classes. Everything has its place in units of a tile: nothing is cut."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.patches import Rectangle

from harness.analysis.class_letters import UNSTABLE
from harness.notebook import colours
from harness.notebook.class_grid import ClassGrid, ClassGrids, Key, Tile
from harness.notebook.grid_html import neighbours
from harness.plots.picture import MUTED, Picture, picture
from harness.results.statuses import STATUSES
from harness.wording import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TILE = 0.3
"""The side of a tile, in inches."""
_SIGN = 0.235
"""The width of a sign of text at the sides, in tiles."""
_SIZE = 8
_TITLE = 1.2
_LINE = 0.7
"""The height of a line below a grid."""
_GAP = 0.5
_NARROWEST = 24.0


@dataclass(frozen=True, kw_only=True)
class _Measures:
    """How many tiles the heads take: each column of them at the side, and each line on top."""

    side: tuple[float, ...]
    top: tuple[float, ...]
    upright: bool
    foot: tuple[str, ...]
    width: float
    height: float


def draw(grids: ClassGrids) -> Picture:
    """A panel for each grid, one below the other."""
    measures = [_measures(grid) for grid in grids]
    width = max(one.width for one in measures)
    height = sum(one.height for one in measures)
    figure = picture(width * _TILE, height * _TILE)
    below = height
    for grid, one in zip(grids, measures, strict=True):
        below -= one.height
        axes = figure.add_axes((0, below / height, 1, one.height / height))
        _panel(axes, grid, one, width)
    return figure


def _measures(grid: ClassGrid) -> _Measures:
    inner = max((len(key[-1]) for key in grid.columns if key), default=0) * _SIGN
    upright = inner > 0.96
    side, top = _side(grid), [1.0] * len(grid.column_axes)
    if upright:
        top[-1] = inner + 0.3
    if grid.row_axes and top:
        # Two names stand one above the other in the corner.
        top[-1] = max(top[-1], 1.5)
    width = max(sum(side) + len(grid.columns), _NARROWEST) + 2 * _GAP
    foot = tuple(_foot(grid, width - 2 * _GAP))
    height = _TITLE + (sum(top) or 0.7) + len(grid.rows) + _LINE * len(foot) + 2 * _GAP
    return _Measures(
        side=side, top=tuple(top or [0.7]), upright=upright, foot=foot, width=width, height=height
    )


def _side(grid: ClassGrid) -> tuple[float, ...]:
    """The widths of the heads at the side; the names of what goes across have to fit there."""
    widths = [
        _length([name, *(row[level] for row in grid.rows)])
        for level, name in enumerate(grid.row_axes)
    ] or [0.0]
    across = max((_length([f"{name} →"]) for name in grid.column_axes), default=0.0)
    widths[-1] = max(widths[-1], across - sum(widths[:-1]))
    return tuple(widths)


def _length(texts: Sequence[str]) -> float:
    return max((len(text) for text in texts), default=0) * _SIGN + 0.5


def _panel(axes: Axes, grid: ClassGrid, measures: _Measures, width: float) -> None:
    left, top = sum(measures.side), sum(measures.top)
    axes.set_xlim(-left - _GAP, width - left - _GAP)
    axes.set_ylim(measures.height - top - _TITLE, -top - _TITLE)
    axes.set_axis_off()
    axes.set_title(grid.workload, loc="left", visible=False)
    axes.text(-left, -top - _TITLE / 2, grid.workload, fontsize=11, weight="bold", va="center")
    _draw_columns(axes, grid, measures)
    _draw_rows(axes, grid, measures)
    for x, column in enumerate(grid.columns):
        for y, row in enumerate(grid.rows):
            tile = grid.tiles.get((row, column))
            if tile is not None:
                _draw_tile(axes, tile, x, y)
    foot = len(grid.rows) + 0.5
    for line, text in enumerate(measures.foot):
        axes.text(-left, foot + line * _LINE, text, fontsize=_SIZE - 1, color=MUTED, va="center")


def _draw_tile(axes: Axes, tile: Tile, x: float, y: float) -> None:
    name = tile.names[0] if len(tile.names) == 1 else ""
    look = colours.of_class(name)
    hatch, edge = ("////", "#cfc8b8") if name == UNSTABLE else (None, "white")
    square = Rectangle(
        (x, y), 1, 1, facecolor=look.fill, edgecolor=edge, hatch=hatch, linewidth=0.8
    )
    axes.add_patch(square)
    size = _SIZE if len(tile.text) < 4 else max(_SIZE * 3.4 / len(tile.text), 3.5)
    axes.text(
        x + 0.5,
        y + 0.52,
        tile.text,
        fontsize=size,
        weight="bold" if name else "normal",
        color=look.text,
        ha="center",
        va="center",
    )


def _draw_columns(axes: Axes, grid: ClassGrid, measures: _Measures) -> None:
    """The heads of the columns, the outer axes above; the name of each at the left."""
    y = -sum(measures.top)
    for level, name in enumerate(grid.column_axes):
        upright = measures.upright and level == len(grid.column_axes) - 1
        bottom = y + measures.top[level]
        x = 0
        for value, count in neighbours(grid.columns, level):
            axes.text(
                x + count / 2,
                bottom - 0.2,
                value,
                fontsize=_SIZE,
                rotation=90 if upright else 0,
                ha="center",
                va="bottom",
            )
            if not upright:
                axes.plot([x + 0.05, x + count - 0.05], [bottom - 0.1] * 2, color="#bbb", lw=0.7)
            x += count
        is_shared = bool(grid.row_axes) and level == len(grid.column_axes) - 1
        _draw_name(axes, f"{name} →", -0.25, bottom - (0.95 if is_shared else 0.45), "right")
        y = bottom


def _draw_rows(axes: Axes, grid: ClassGrid, measures: _Measures) -> None:
    x = -sum(measures.side)
    for level, name in enumerate(grid.row_axes):
        before: Key = ()
        _draw_name(axes, name, x, -0.25, "left")
        for y, row in enumerate(grid.rows):
            inner = level == len(row) - 1
            if inner or row[: level + 1] != before[: level + 1]:
                axes.text(x, y + 0.52, row[level], fontsize=_SIZE, va="center")
            before = row
        x += measures.side[level]


def _draw_name(axes: Axes, name: str, x: float, y: float, side: str) -> None:
    axes.text(x, y, name, fontsize=_SIZE, style="italic", color=MUTED, ha=side, va="center")


def _foot(grid: ClassGrid, width: float) -> Iterator[str]:
    """What the signs mean, how many cells have them, and what all cells share, in lines."""
    marks = {**colours.MARKS, UNSTABLE: colours.UNSTABLE_MARK}
    parts = [
        f"{marks[name]} {name.replace('_', ' ')}: {counted(count, 'cell')}"
        for name, count in grid.counts.items()
        if name in STATUSES or name == UNSTABLE
    ]
    shared = [f"every cell: {grid.shared}"] if grid.shared else []
    for text in ("   ".join(["equal letters: equal bits", *parts]), *shared):
        yield from textwrap.wrap(text, int(width / _SIGN * 1.1), break_on_hyphens=False)
