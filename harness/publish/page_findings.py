"""What was found, in plain words: the paragraph at the top of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.analysis import unequal_results
from harness.publish.axis_view import cause
from harness.publish.page_data import Part
from harness.results.statuses import STATUSES

_PHRASES = {
    "always": "always changed the bits",
    "sometimes": "sometimes changed the bits",
    "never": "never changed the bits",
    "few": "compared in few pairs only: changed the bits in",
    "no effect": "had no effect: asked differently, found equal",
}


@dataclass(frozen=True, kw_only=True)
class Effects:
    """Axes that had one kind of effect: `phrase`, and each axis with its counts in words."""

    word: str
    phrase: str
    axes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class WorkloadFindings:
    """What is said about one workload."""

    workload: str
    sentences: tuple[str, ...]
    effects: tuple[Effects, ...]


def of_part(part: Part, effects: pd.DataFrame) -> WorkloadFindings:
    """The sentences about one workload; `effects` are its rows of the axis table."""
    return WorkloadFindings(
        workload=part.workload,
        sentences=tuple(_stability(part.cells)),
        effects=tuple(_effects(effects)),
    )


def counts(runs: pd.DataFrame) -> list[tuple[str, int]]:
    """How many planned runs have each status; the sum is the number of planned runs."""
    planned = runs[runs["planned"]]
    counts = planned["status"].value_counts()
    return [(status, int(counts[status])) for status in STATUSES if status in counts]


def _stability(cells: pd.DataFrame) -> Iterator[str]:
    ran = cells[cells["distinct"] > 0]
    yield from _classes(ran)
    verdicts = ran["verdict"].value_counts()
    unstable, untested = int(verdicts.get("unstable", 0)), int(verdicts.get("untested", 0))
    if len(ran) and not unstable and not untested:
        yield "Each is stable: its repeats left the same weights."
    if unstable:
        yield f"{_cells(unstable)} unstable: repeats of the very same settings differ."
    if untested:
        yield f"{_cells(untested)} untested, having completed only one run."
    yield from (f"{said[0].upper()}{said[1:]}." for said in unequal_results.sentences(ran))
    missing = len(cells) - len(ran)
    if missing:
        names = [name for name in STATUSES if name != "completed"]
        words = [f"{n} {name}" for name, n in _missing(cells, names)]
        yield f"{_cells(missing)} without weights: {', '.join(words)}."


def _classes(ran: pd.DataFrame) -> Iterator[str]:
    settled = ran[ran["distinct"] == 1]
    classes = int(settled["class"].nunique())
    if len(ran) == 0:
        yield "No cell has weights."
    elif classes == 1 and len(settled) == len(ran) > 1:
        yield f"All {len(ran):,} cells ended with the same bits."
    else:
        noun = "class" if classes == 1 else "classes"
        cells = "cell" if len(ran) == 1 else "cells"
        yield f"{len(ran):,} {cells} fell into {classes:,} {noun} of equal weights."


def _missing(cells: pd.DataFrame, names: list[str]) -> Iterator[tuple[str, int]]:
    """Cells without weights by the status that most of their runs have."""
    without = cells[cells["distinct"] == 0]
    counts = without[names].astype("int64").idxmax(axis="columns").value_counts()
    yield from ((name, int(counts[name])) for name in names if name in counts)


def _cells(number: int) -> str:
    return "One cell is" if number == 1 else f"{number:,} cells are"


def _effects(effects: pd.DataFrame) -> Iterator[Effects]:
    for word, phrase in _PHRASES.items():
        rows = effects[effects["changes_bits"] == word]
        yield from _group(word, phrase, rows, _compared)
    yield from _group(
        "unstable",
        "divides unstable from stable cells",
        effects[effects["unstable_at"] != ""],
        cause,
    )


def _group(
    word: str, phrase: str, rows: pd.DataFrame, describe: Callable[[pd.Series[Any]], str]
) -> Iterator[Effects]:
    axes = tuple((_name(row), describe(row)) for _, row in rows.iterrows())
    if axes:
        yield Effects(word=word.replace(" ", "-"), phrase=phrase, axes=axes)


def _name(row: pd.Series[Any]) -> str:
    return f"{row['axis']} (with {row['follows']})" if row["follows"] else str(row["axis"])


def _compared(row: pd.Series[Any]) -> str:
    if row["changes_bits"] == "no effect":
        return str(row["no_effect"])
    return f"{row['differ']} of {row['differ'] + row['same']} pairs"
