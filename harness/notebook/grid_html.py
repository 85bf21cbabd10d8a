"""A grid of classes as HTML: no scripts, no style sheet, and equal grids give equal bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.analysis.class_letters import UNSTABLE
from harness.notebook import colours
from harness.publish.escaping import html
from harness.results.statuses import STATUSES
from harness.wording import counted

if TYPE_CHECKING:
    from harness.notebook.class_grid import ClassGrid, Key, Tile

_TILE = "width: 30px; min-width: 30px; height: 26px; padding: 0 2px; text-align: center; "
_HEAD = "font-weight: normal; text-align: center; padding: 2px 3px; border-bottom: 1px solid #bbb"
_SIDE = "font-weight: normal; text-align: left; padding: 0 8px 0 0; white-space: nowrap"
_UPRIGHT = "writing-mode: vertical-rl; transform: rotate(180deg); display: inline-block"
_HATCHED = (
    "background-image: repeating-linear-gradient(-45deg, transparent 0 4px, #11111152 4px 6px)"
)
_MANY = 14
"""Columns from which on their heads stand upright, where they are longer than two signs."""


def of_grid(grid: ClassGrid) -> str:
    """The grid under its name, with its legend below."""
    return (
        f'<div style="margin: 0 0 1.5em; overflow-x: auto"><p><b>{html(grid.workload)}</b></p>'
        '<table style="border-collapse: separate; border-spacing: 1px; font-size: 12px">'
        f"<thead>{''.join(_heads(grid))}</thead><tbody>{''.join(_lines(grid))}</tbody></table>"
        f'<p style="font-size: 12px">{_legend(grid)}</p>{_shared(grid)}</div>'
    )


def _shared(grid: ClassGrid) -> str:
    style = "color: gray; font-size: 12px"
    return f'<p style="{style}">Every cell: {html(grid.shared)}</p>' if grid.shared else ""


def _heads(grid: ClassGrid) -> Iterator[str]:
    """A line for each axis across; the last one names the axes that go down, too."""
    wide = max(len(grid.row_axes), 1)
    for level, name in enumerate(grid.column_axes):
        last = level == len(grid.column_axes) - 1
        corner = "".join(_corner(grid, name, last, place, wide) for place in range(wide))
        yield f"<tr>{corner}{''.join(_spans(grid, level, last))}</tr>"
    if not grid.column_axes:
        yield f"<tr>{''.join(_named(name) for name in grid.row_axes)}</tr>"


def _corner(grid: ClassGrid, name: str, last: bool, place: int, wide: int) -> str:
    across = f"{name} →" if place == wide - 1 else ""
    down = grid.row_axes[place] if last and grid.row_axes else ""
    text = "<br>".join(html(name) for name in (across, down) if name)
    return f'<th style="{_SIDE}; vertical-align: bottom"><i>{text}</i></th>'


def _named(name: str) -> str:
    return f'<th style="{_SIDE}"><i>{html(name)}</i></th>'


def _spans(grid: ClassGrid, level: int, last: bool) -> Iterator[str]:
    """Neighbours with the same outer values stand under one head."""
    upright = (
        last and len(grid.columns) > _MANY and any(len(key[level]) > 2 for key in grid.columns)
    )
    for value, count in neighbours(grid.columns, level):
        text = f'<span style="{_UPRIGHT}">{html(value)}</span>' if upright else html(value)
        yield f'<th colspan="{count}" style="{_HEAD}">{text}</th>'


def neighbours(keys: Sequence[Key], level: int) -> list[tuple[str, int]]:
    """The values at a level of the heads, each with how many columns it stands over."""
    found: list[tuple[str, int]] = []
    before: Key | None = None
    for key in keys:
        if key[: level + 1] == before:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((key[level], 1))
        before = key[: level + 1]
    return found


def _lines(grid: ClassGrid) -> Iterator[str]:
    before: Key = ()
    for row in grid.rows:
        heads = "".join(_side(row, level, before) for level in range(len(row)))
        tiles = "".join(_place(grid.tiles.get((row, column))) for column in grid.columns)
        yield f"<tr>{heads or '<th></th>'}{tiles}</tr>"
        before = row


def _side(row: Key, level: int, before: Key) -> str:
    """A value at the side; nothing where the line above has it, too, with all outer ones."""
    again = level < len(row) - 1 and row[: level + 1] == before[: level + 1]
    return f'<th style="{_SIDE}">{"" if again else html(row[level])}</th>'


def _place(tile: Tile | None) -> str:
    if tile is None:
        return "<td></td>"
    style = _style(tile.names[0] if len(tile.names) == 1 else "")
    return f'<td title="{html(tile.title)}" style="{style}">{html(tile.text)}</td>'


def _style(name: str) -> str:
    look = colours.of_class(name)
    weight = "font-weight: 600; " if name else ""
    hatched = f"; {_HATCHED}" if name == UNSTABLE else ""
    return f"{_TILE}{weight}color: {look.text}; background-color: {look.fill}{hatched}"


def _legend(grid: ClassGrid) -> str:
    return " ".join(_entry(name, count) for name, count in grid.counts.items())


def _entry(name: str, count: int) -> str:
    """A class or status, in words where a letter does not say it, with its number of cells."""
    is_status = name in STATUSES
    is_word = is_status or name == UNSTABLE
    mark = colours.MARKS[name] if is_status else colours.UNSTABLE_MARK if is_word else name
    words = f"{name.replace('_', ' ')}, " if is_word else ""
    look = _style("" if is_status else name)
    return (
        f'<span style="white-space: nowrap"><span style="display: inline-block; {look}">'
        f"{html(mark)}</span> {html(words + counted(count, 'cell'))}</span>&ensp;"
    )
