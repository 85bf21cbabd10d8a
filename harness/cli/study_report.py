"""How a study is shown: sentences and a table, or the table alone for programs."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from harness import console
from harness.publish import tables

_FOR_PROGRAMS = ("csv", "json")


def show(
    lines: Sequence[str], frame: pd.DataFrame | None, format: str, columns: Sequence[str]
) -> None:
    """The sentences, then these columns of a table; where a program reads, the sentences are notes.

    A program gets every column.
    """
    if format in _FOR_PROGRAMS:
        if frame is not None:
            console.result(tables.render(frame, format))
        for line in lines:
            console.note(line)
        return
    comment = "% " if format == "latex" else ""
    above = "".join(f"{comment}{line}\n" for line in lines)
    shown = "" if frame is None else f"\n{tables.render(frame, format, columns)}"
    console.result(f"{above}{shown}")
