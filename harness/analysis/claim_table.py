"""The claim table: a row per claim and workload, with what the runs say of it and no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from harness.analysis import claim_cases, claimed_cells, run_table
from harness.analysis.cell_table import by_cell
from harness.analysis.claim_cases import Case, Outcome, Untried
from harness.analysis.claimed_cells import ClaimedCells
from harness.analysis.columns import CLAIM_COLUMNS, frame_of, names
from harness.results.scan import sweeps

Row = dict[str, object]
Standing = Literal["supported", "not supported", "nothing tried", "no claims"]

FAILING = ("refuted", "mixed")
"""What `--check` does not let pass."""


def by_claim(folder: str | Path) -> pd.DataFrame:
    """One row per claim and workload of the results below `folder`; see `CLAIM_COLUMNS`.

    Raises:
        UsageError: there are no results in this folder.
        RecordError: a record or a plan is unreadable or of another schema.
    """
    claimed = claimed_cells.read(sweeps(folder))
    return of_cells(by_cell(run_table.runs(folder)), claimed)


def of_cells(cells: pd.DataFrame, claimed: Iterable[ClaimedCells]) -> pd.DataFrame:
    """`by_claim` of claims and a cell table that are there already."""
    rows = [row for one in claimed for row in _of_claim(cells, one)]
    return frame_of(pd.DataFrame(rows, columns=names(CLAIM_COLUMNS)), CLAIM_COLUMNS)


def _of_claim(cells: pd.DataFrame, claimed: ClaimedCells) -> Iterator[Row]:
    claim = claimed.claim
    own = cells[(cells["matrix"] == claimed.matrix) & cells["cell"].isin(list(claimed.cells))]
    for workload, part in own.groupby("workload", sort=False):
        about = part.reset_index(drop=True)
        yield {
            "claim": claim.id,
            "says": claim.says,
            "source": claim.source,
            "expect": str(claim.expect),
            "workload": workload,
            "unit": claim_cases.unit_of(claimed),
            "cells": len(about),
            "machines": int(about["machine"].nunique()),
            "matrix": claimed.matrix,
            **_judged(claim_cases.outcomes(about, claimed), about),
        }


def _judged(outcomes: Sequence[Outcome], cells: pd.DataFrame) -> Row:
    cases = [one for one in outcomes if isinstance(one, Case)]
    held = [one for one in cases if one.held]
    against = claim_cases.clearest(one for one in cases if not one.held)
    example = claim_cases.clearest(held)
    return {
        "held": len(held),
        "tried": len(cases),
        "verdict": _verdict(len(held), len(cases)),
        "counterexample": list(against.cells if against else ()),
        "example": list(example.cells) if example else _untried_example(outcomes, cells),
        "reason": "; ".join(_reason(against or example, cases, outcomes)),
    }


def _verdict(held: int, tried: int) -> str:
    if tried == 0:
        return "not tried"
    if held == tried:
        return "supported"
    return "mixed" if held else "refuted"


def _untried_example(outcomes: Sequence[Outcome], cells: pd.DataFrame) -> list[str]:
    """Of a claim that was not tried, what could show it; nothing where something else did."""
    if any(isinstance(one, Case) for one in outcomes):
        return []
    named = next((one.cells for one in outcomes if one.cells), ())
    first = cells.iloc[0]
    return list(named) or [claim_cases.name_of({str(k): first[k] for k in first.index})]


def _reason(
    telling: Case | None, cases: Sequence[Case], outcomes: Sequence[Outcome]
) -> Iterator[str]:
    if telling is not None:
        yield telling.said
    emulated = sum(case.emulated for case in cases)
    if emulated:
        yield f"{emulated} of {len(cases)} emulate a smaller CPU"
    untried = [one for one in outcomes if isinstance(one, Untried)]
    counts = Counter((one.unit, one.why) for one in untried if one.cells)
    for (unit, why), number in counts.items():
        yield f"{number} {unit}{'' if number == 1 else 's'} not tried: {why}"
    yield from dict.fromkeys(one.why for one in untried if not one.cells)


def standing(claims: pd.DataFrame) -> Standing:
    """What `--check` says of a claim table."""
    verdicts = set(claims["verdict"])
    if verdicts & set(FAILING):
        return "not supported"
    if "supported" in verdicts:
        return "supported"
    return "nothing tried" if verdicts else "no claims"
