"""The claim table for people: claim by claim, with the cell that shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from harness.publish.shown import Shown, column

PAIR = " / "
"""Between the two cells of a pair."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """One claim: its name, what is to be said of it, and a row per workload."""

    title: str
    facts: list[str]
    columns: list[Shown]


def layout(frame: pd.DataFrame) -> list[Shown]:
    """Every claim in one table."""
    several = frame["matrix"].nunique() > 1
    return [
        *([column(frame, "matrix")] if several else []),
        column(frame, "claim"),
        column(frame, "says"),
        *_of_workloads(frame, frame),
    ]


def sections(frame: pd.DataFrame) -> Iterator[tuple[Section, pd.DataFrame]]:
    """A table for each claim, and the rows of the frame that it shows."""
    several = frame["matrix"].nunique() > 1
    keys = ["matrix", "claim", "says", "source", "expect"]
    for (matrix, claim, says, source, expect), part in frame.groupby(keys, sort=False):
        facts = [str(says), f"expected: {expect}"]
        facts += [str(source)] if source else []
        facts = [str(matrix), *facts] if several else facts
        yield Section(title=str(claim), facts=facts, columns=_of_workloads(part, frame)), part


def _of_workloads(part: pd.DataFrame, whole: pd.DataFrame) -> list[Shown]:
    return [
        column(part, "workload"),
        column(part, "verdict"),
        Shown(name="held", header="held", values=tuple(held(part))),
        column(part, "reason"),
        Shown(
            name="cell", header="cell", values=tuple(map(PAIR.join, cells(part, whole))), wraps=True
        ),
    ]


def held(frame: pd.DataFrame) -> Iterator[str]:
    """`2 of 3 pairs`; nothing where nothing was tried."""
    for number, tried, unit in zip(frame["held"], frame["tried"], frame["unit"], strict=True):
        yield f"{number} of {tried} {unit}{'' if tried == 1 else 's'}" if tried else ""


def cells(part: pd.DataFrame, whole: pd.DataFrame) -> Iterator[list[str]]:
    """The one or two cells that a row rests on; with matrix and machine where there are several."""
    several = (whole["matrix"].nunique() > 1, bool((whole["machines"] > 1).any()))
    for counterexample, example in zip(part["counterexample"], part["example"], strict=True):
        yield [_short(name, several) for name in counterexample or example]


def _short(name: str, several: tuple[bool, bool]) -> str:
    matrix, rest = name.split("/", 1)
    # A machine's name may have the folder it comes from behind it.
    machine, cell = rest.rsplit("/", 1)
    place = [part for part, is_shown in zip((matrix, machine), several, strict=True) if is_shown]
    return "/".join([*place, cell])
