"""How a study is shown: sentences and a table, or the table alone for programs; and saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from harness import console
from harness.publish import study_files, tables
from harness.publish.shown import column

_FOR_PROGRAMS = ("csv", "json")


@dataclass(frozen=True, kw_only=True)
class Saved:
    """Where a study is to be saved, and of what cells it is."""

    path: Path
    command: Literal["diff", "why"]
    cells: Sequence[str]


def show(
    lines: Sequence[str],
    frame: pd.DataFrame | None,
    format: str,
    columns: Sequence[str],
    saved: Saved | None = None,
) -> None:
    """The sentences, then these columns of a table; where a program reads, the sentences are notes.

    A program gets every column.
    """
    if saved is not None:
        _save(lines, frame, columns, saved)
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


def note_records(folder: Path) -> None:
    """Where the runs of a study are recorded, if there were any."""
    here = folder.is_dir()
    console.note(
        f"records: {folder}" if here else "nothing was run: the records there were, say it"
    )


def _save(
    lines: Sequence[str], frame: pd.DataFrame | None, columns: Sequence[str], saved: Saved
) -> None:
    table = [] if frame is None else [column(frame, name) for name in columns]
    study = study_files.of_study(saved.command, saved.cells, lines, table)
    study_files.write(saved.path, study)
    console.note(f"saved: {saved.path}; harness publish --study shows it")
