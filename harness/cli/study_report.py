"""How a study is shown: sentences and a table, or the table alone for programs; and saved."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from harness import console
from harness.errors import UnverifiedError
from harness.publish import study_files, tables
from harness.publish.shown import column

_FOR_PROGRAMS = ("csv", "json")


@dataclass(frozen=True, kw_only=True)
class Saved:
    """Where a study is to be saved, and of what cells it is."""

    path: Path
    command: Literal["diff", "why"]
    cells: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a study says: in sentences, and in fields for programs, where its table is `rows`."""

    cells: Sequence[str]
    sentences: Sequence[str]
    fields: Mapping[str, object]
    rows: str


def show(
    found: Found,
    frame: pd.DataFrame | None,
    format: str,
    columns: Sequence[str],
    saved: Saved | None = None,
) -> None:
    """The sentences, then these columns of a table; where a program reads, the sentences are notes.

    A program gets every column: as CSV the table, as JSON one object with all that was found.
    """
    if saved is not None:
        _save(found.sentences, frame, columns, saved)
    if format in _FOR_PROGRAMS:
        if format == "json":
            console.result(_object(found, frame))
        elif frame is not None:
            console.result(tables.render(frame, format))
        for line in found.sentences:
            console.note(line)
        return
    comment = "% " if format == "latex" else ""
    above = "".join(f"{comment}{line}\n" for line in found.sentences)
    shown = "" if frame is None else f"\n{tables.render(frame, format, columns)}"
    console.result(f"{above}{shown}")


def note_records(folder: Path) -> None:
    """Where the runs of a study are recorded, if there were any."""
    ran = folder.is_dir()
    console.note(f"records: {folder}" if ran else "nothing was run; the records say it already")


def unverified(reasons: Iterable[str]) -> list[str]:
    """The sentences about what is not verified; an empty reason is none."""
    return [f"Unverified: {reason}." for reason in reasons if reason]


def require_verified(reasons: Iterable[str]) -> None:
    """Refuse to end well where something is not verified.

    Raises:
        UnverifiedError: there are reasons that are not empty.
    """
    found = list(filter(None, reasons))
    if found:
        raise UnverifiedError(f"unverified, so nothing is claimed: {'; '.join(found)}")


def _object(found: Found, frame: pd.DataFrame | None) -> str:
    rows = [] if frame is None else json.loads(tables.render(frame, "json"))
    whole = {
        "cells": list(found.cells),
        "sentences": list(found.sentences),
        **found.fields,
        found.rows: rows,
    }
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def _save(
    lines: Sequence[str], frame: pd.DataFrame | None, columns: Sequence[str], saved: Saved
) -> None:
    table = [] if frame is None else [column(frame, name) for name in columns]
    study = study_files.of_study(saved.command, saved.cells, lines, table)
    study_files.write(saved.path, study)
    console.note(f"saved: {saved.path}; harness publish --study shows it")
