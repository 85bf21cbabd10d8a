"""A Markdown table: the dialect of GitHub and of most others."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

_NARROWEST = 3
"""So many hyphens a column needs at least."""


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool]) -> str:
    """The table with columns as wide as their widest text; `numeric` ones are right-aligned.

    Texts are Markdown already.
    """
    columns = zip(headers, *rows, strict=True)
    widths = [max(_NARROWEST, *map(cell_len, column)) for column in columns]
    rules = [
        f"{'-' * (width - 1)}:" if right else f":{'-' * (width - 1)}"
        for width, right in zip(widths, numeric, strict=True)
    ]
    return "\n".join(_line(cells, widths, numeric) for cells in (headers, rules, *rows))


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    padded = []
    for cell, width, right in zip(cells, widths, numeric, strict=True):
        space = " " * (width - cell_len(cell))
        padded.append(f"{space}{cell}" if right else f"{cell}{space}")
    return f"| {' | '.join(padded)} |"
