"""Which cells of a sweep a claim is about: the plan says it, by what it asks for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.matrix.cells import SETTING_AXES, fits
from harness.matrix.claim import Claim, Where
from harness.protocol.axes import Value, from_json
from harness.results import planned_claims
from harness.results.plan_file import PlannedCell
from harness.results.scan import SweepFolder


@dataclass(frozen=True, kw_only=True)
class ClaimedCells:
    """A claim of a matrix and the ids of the cells it is about.

    `stable` and `unstable` are those that it expects to be so where it divides the two.
    """

    matrix: str
    claim: Claim
    cells: frozenset[str]
    stable: frozenset[str]
    unstable: frozenset[str]


def read(sweeps: Iterable[SweepFolder]) -> list[ClaimedCells]:
    """The claims in the plans of these sweeps, by matrix and in the order of the file.

    Each claim of a matrix counts for all its plans. Where two plans say different things under one
    id, both are claims.

    Raises:
        RecordError: a plan cannot be read or is of another schema.
    """
    plans: dict[str, list[SweepFolder]] = {}
    claims: dict[str, dict[str, Claim]] = {}
    for sweep in sweeps:
        plan = sweep.plan()
        if plan is not None:
            plans.setdefault(sweep.matrix, []).append(sweep)
            own = claims.setdefault(sweep.matrix, {})
            own.update({_key(claim): claim for claim in plan[0].claims})
    return [
        claimed
        for matrix, own in claims.items()
        if own
        for claimed in _claimed(matrix, list(own.values()), plans[matrix])
    ]


def _key(claim: Claim) -> str:
    return json.dumps(planned_claims.to_json([claim]), sort_keys=True)


def _claimed(
    matrix: str, claims: list[Claim], plans: Iterable[SweepFolder]
) -> Iterator[ClaimedCells]:
    cells = [cell for sweep in plans for cell in _cells(sweep)]
    for claim in claims:
        expect = claim.expect

        def ids(more: Where, claim: Claim = claim) -> frozenset[str]:
            return frozenset(
                cell.id
                for cell, values in cells
                if fits(claim.where, cell.environment, values)
                and fits(more, cell.environment, values)
            )

        stable, unstable = ids(expect.stable_with), ids(expect.unstable_with)
        divided = expect.kind == "divided"
        yield ClaimedCells(
            matrix=matrix,
            claim=claim,
            cells=stable | unstable if divided else ids({}),
            stable=stable if divided else frozenset(),
            unstable=unstable if divided else frozenset(),
        )


def _cells(sweep: SweepFolder) -> Iterator[tuple[PlannedCell, tuple[Value, ...]]]:
    plan = sweep.plan()
    header, cells = plan if plan is not None else (None, ())
    for cell in cells:
        asked: Mapping[str, Any] = {**(header.defaults if header else {}), **cell.settings}
        yield cell, tuple(from_json(asked.get(a.name, _plain(a.default))) for a in SETTING_AXES)


def _plain(value: Value) -> Any:
    return dict(value) if isinstance(value, tuple) else value
