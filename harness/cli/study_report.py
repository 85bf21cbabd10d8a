"""How a study of cells is shown: sentences and a table, or the table alone for programs."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from harness import console
from harness.publish import tables
from harness.studies import hybrid_table

_FOR_PROGRAMS = ("csv", "json")


def show(lines: Sequence[str], frame: pd.DataFrame, format: str) -> None:
    """The sentences, then the hybrids; where a program reads, the sentences are notes."""
    if format in _FOR_PROGRAMS:
        console.result(tables.render(frame, format))
        for line in lines:
            console.note(line)
        return
    comment = "% " if format == "latex" else ""
    above = "".join(f"{comment}{line}\n" for line in lines)
    console.result(f"{above}\n{tables.render(frame, format, hybrid_table.SHOWN)}")
