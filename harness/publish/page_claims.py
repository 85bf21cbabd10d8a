"""The claims as they open the page: each with its verdict per workload, and links to the cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from harness.analysis.axis_examples import CellName
from harness.publish import claim_view, page_address
from harness.publish.page_address import Link


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What the runs of one workload say of a claim; `word` is the verdict as a class of CSS."""

    workload: str
    verdict: str
    word: str
    held: str
    reason: str
    cells: tuple[Link, ...]


@dataclass(frozen=True, kw_only=True)
class ClaimOnPage:
    """One claim and what is said of it."""

    id: str
    facts: tuple[str, ...]
    rows: tuple[Judged, ...]


def of_table(claims: pd.DataFrame) -> list[ClaimOnPage]:
    """The rows of a claim table, claim by claim."""
    return [
        ClaimOnPage(id=section.title, facts=tuple(section.facts), rows=tuple(_rows(part, claims)))
        for section, part in claim_view.sections(claims)
    ]


def _rows(part: pd.DataFrame, claims: pd.DataFrame) -> Iterator[Judged]:
    names = list(claim_view.cells(part, claims))
    held = list(claim_view.held(part))
    for place, (_, row) in enumerate(part.iterrows()):
        verdict = str(row["verdict"])
        yield Judged(
            workload=str(row["workload"]),
            verdict=verdict,
            word=verdict.replace(" ", "-"),
            held=held[place],
            reason=str(row["reason"]),
            cells=tuple(_links(row, names[place])),
        )


def _links(row: pd.Series[Any], names: list[str]) -> Iterator[Link]:
    for full, name in zip(row["counterexample"] or row["example"], names, strict=True):
        matrix, rest = full.split("/", 1)
        machine, cell = rest.rsplit("/", 1)
        shown = CellName(matrix=matrix, machine=machine, cell=cell)
        yield Link(text=name, address=page_address.to_cells(str(row["workload"]), (shown,)))
