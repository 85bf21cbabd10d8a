"""How wide columns are in a terminal, which of them fit, and how their texts break into lines."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from harness.publish.escaping import visible
from harness.publish.shown import Shown

GAP = 2
"""Characters between two columns."""

_NARROWEST = 24
_LONGEST_WORD = 44
_IDS = ("cell", "cell_ids", "baseline", "group", "machine", "environment")


def widths(columns: Sequence[Shown], width: int) -> list[int]:
    """How wide each column is: what it needs, more where there is room, less where not."""
    rooms = [_least(column) for column in columns]
    wanted = [_width(column) for column in columns]
    room = width - GAP * (len(columns) - 1) - sum(rooms)
    for place in sorted(range(len(columns)), key=lambda i: wanted[i] - rooms[i]):
        more = min(max(room, 0), wanted[place] - rooms[place])
        rooms[place] += more
        room -= more
    # A line that is too long is better than half an id: everything else gives way further.
    foldable = [place for place, column in enumerate(columns) if column.name not in _IDS]
    while room < 0 and any(rooms[place] > 1 for place in foldable):
        rooms[max(foldable, key=lambda place: rooms[place])] -= 1
        room += 1
    return rooms


def fitting(columns: Sequence[Shown], width: int) -> tuple[list[Shown], list[Shown]]:
    """The columns that fit, and those left out, the highest rank first."""
    shown, dropped = list(columns), []
    while _total(shown) > width and any(column.rank for column in shown):
        least = max(shown, key=lambda column: column.rank)
        shown.remove(least)
        dropped.append(least)
    return shown, dropped


def _total(columns: Sequence[Shown]) -> int:
    return sum(_least(column) for column in columns) + GAP * (len(columns) - 1)


def _least(column: Shown) -> int:
    """The width a column needs."""
    if not column.wraps:
        return _width(column)
    words = (cell_len(word) for value in column.values for word in visible(value).split())
    return min(_width(column), max(_NARROWEST, min(_LONGEST_WORD, max(words, default=0))))


def _width(column: Shown) -> int:
    shown = [header(column), *(lines(column, value) for value in column.values)]
    return max(cell_len(line) for each in shown for line in each.split("\n"))


def lines(column: Shown, value: str) -> str:
    """The value, alternatives and ids on lines of their own."""
    safe = visible(value)
    if column.name == "cell_ids":
        return safe.replace(" ", "\n")
    return safe.replace("; or ", "\nor ") if column.name == "where" else safe


def header(column: Shown) -> str:
    """The header, broken after an underscore where the values are narrower."""
    widest = max((cell_len(value) for value in column.values), default=0)
    name = visible(column.header)
    return name.replace("_", "_\n") if cell_len(name) > max(widest, 8) else name
