"""The claim table for people: claim by claim, with the cell that shows it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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


def sections(frame: pd.DataFrame) -> Iterator[Section]:
    """A table for each claim."""
    several = frame["matrix"].nunique() > 1
    keys = ["matrix", "claim", "says", "source", "expect"]
    for (matrix, claim, says, source, expect), part in frame.groupby(keys, sort=False):
        facts = [str(says), f"expected: {expect}"]
        facts += [str(source)] if source else []
        facts = [str(matrix), *facts] if several else facts
        yield Section(title=str(claim), facts=facts, columns=_of_workloads(part, frame))


def _of_workloads(part: pd.DataFrame, whole: pd.DataFrame) -> list[Shown]:
    return [
        column(part, "workload"),
        column(part, "verdict"),
        Shown(name="held", header="held", values=tuple(_held(part))),
        column(part, "reason"),
        Shown(name="cell", header="cell", values=tuple(cells(part, whole)), wraps=True),
    ]


def _held(frame: pd.DataFrame) -> Iterator[str]:
    for held, tried, unit in zip(frame["held"], frame["tried"], frame["unit"], strict=True):
        yield f"{held} of {tried} {unit}{'' if tried == 1 else 's'}" if tried else ""


def cells(part: pd.DataFrame, whole: pd.DataFrame) -> Iterator[str]:
    """The cells that a row rests on, without the matrix and machine that all of `whole` share."""
    names = [name for each in (*whole["counterexample"], *whole["example"]) for name in each]
    places = [name.split("/")[:-1] for name in names]
    shared = [len(set(part)) == 1 for part in zip(*places, strict=False)]
    same_depth = len({len(place) for place in places}) == 1
    for counterexample, example in zip(part["counterexample"], part["example"], strict=True):
        telling = counterexample or example
        yield PAIR.join(_short(name, shared if same_depth else []) for name in telling)


def _short(name: str, shared: Sequence[bool]) -> str:
    *place, cell = name.split("/")
    kept = [part for part, same in zip(place, shared, strict=True) if not same] if shared else place
    return "/".join([*kept, cell])
