"""What was found, in plain words: the sentences beside the first figure of the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from harness.analysis import unequal_results
from harness.analysis.advice import Advice, Finding
from harness.publish import page_address
from harness.publish.page_address import Link
from harness.publish.page_data import Part
from harness.results.statuses import STATUSES
from harness.wording import counted


@dataclass(frozen=True, kw_only=True)
class Said:
    """A sentence, and the link to the cells that show it."""

    text: str
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MatrixFindings:
    """What one matrix says of a workload; `label` names the matrix where there are several."""

    matrix: str
    label: str
    headlines: tuple[Said, ...]
    lines: tuple[Said, ...]


@dataclass(frozen=True, kw_only=True)
class WorkloadFindings:
    """What is said about one workload, matrix by matrix."""

    workload: str
    address: str
    matrices: tuple[MatrixFindings, ...]


@dataclass(frozen=True, kw_only=True)
class MatrixCounts:
    """How many planned runs of a matrix have each status; `total` is their sum."""

    matrix: str
    statuses: tuple[tuple[str, int], ...]
    total: int
    cells: int


def of_part(part: Part, findings: Sequence[Finding], *, several: bool) -> WorkloadFindings:
    """The sentences about one workload; `several` says that the page has more than one matrix."""
    return WorkloadFindings(
        workload=part.workload,
        address=page_address.to_workload(part.workload),
        matrices=tuple(
            _of_matrix(part.workload, str(matrix), cells, findings, several)
            for matrix, cells in part.cells.groupby("matrix", sort=False)
        ),
    )


def _of_matrix(
    workload: str, matrix: str, cells: pd.DataFrame, findings: Sequence[Finding], several: bool
) -> MatrixFindings:
    own = [each for each in findings if (each.workload, each.matrix) == (workload, matrix)]
    device = len(own) > 1
    advice = [line for each in own for line in _lines(each, device)]
    return MatrixFindings(
        matrix=matrix,
        label=matrix if several else "",
        headlines=tuple(_headlines(workload, own, device)),
        lines=(
            *(_said(workload, line) for line in advice),
            *(Said(text=text) for text in _counts(cells)),
        ),
    )


def _headlines(workload: str, findings: Sequence[Finding], device: bool) -> Iterator[Said]:
    for each in findings:
        before = f"On the {each.device}: " if device else ""
        text = each.headline.text
        text = f"{before}{text[0].lower()}{text[1:]}" if before else text
        yield _said(workload, Advice(text=text, cells=each.headline.cells))
    if not findings:
        yield Said(text="No cell has weights.")


def _lines(finding: Finding, device: bool) -> Iterator[Advice]:
    """What the headline does not say, beginning with where several machines differ."""
    first, *rest = finding.lines
    lines = [first, *rest] if finding.by_machine else rest
    for line in lines:
        text = f"{finding.device}: {line.text}" if device else line.text
        yield Advice(text=text, cells=line.cells)


def _said(workload: str, advice: Advice) -> Said:
    if not advice.cells:
        return Said(text=advice.text)
    words = "see the two cells" if len(advice.cells) == 2 else "see the cell"
    address = page_address.to_cells(workload, advice.cells)
    return Said(text=advice.text, links=(Link(text=words, address=address),))


def counts(runs: pd.DataFrame) -> list[MatrixCounts]:
    """How the planned runs ended, matrix by matrix."""
    planned = runs[runs["planned"]]
    return [_of_runs(str(name), part) for name, part in planned.groupby("matrix", sort=False)]


def _of_runs(matrix: str, runs: pd.DataFrame) -> MatrixCounts:
    numbers = runs["status"].value_counts()
    statuses = tuple((name, int(numbers[name])) for name in STATUSES if name in numbers)
    cells = len(runs[["machine", "cell"]].drop_duplicates())
    return MatrixCounts(
        matrix=matrix, statuses=statuses, total=sum(n for _, n in statuses), cells=cells
    )


def _counts(cells: pd.DataFrame) -> Iterator[str]:
    """How many cells there are of each kind."""
    ran = cells[cells["distinct"] > 0]
    settled = ran[ran["distinct"] == 1]
    classes = int(settled["class"].nunique())
    if classes == 1 and len(settled) == len(ran) > 1:
        yield f"All {len(ran):,} cells ended with the same bits."
    elif len(ran):
        words = counted(classes, "class", "classes")
        yield f"{counted(len(ran), 'cell')} fell into {words} of equal weights."
    unstable, untested = (int((ran["verdict"] == name).sum()) for name in ("unstable", "untested"))
    if unstable:
        yield f"{_cells(unstable)} unstable: repeats of the very same settings differ."
    if untested:
        yield f"{_cells(untested)} untested, having completed only one run."
    yield from (f"{said[0].upper()}{said[1:]}." for said in unequal_results.sentences(ran))
    missing = len(cells) - len(ran)
    if missing:
        names = [name for name in STATUSES if name != "completed"]
        words = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in _missing(cells, names))
        yield f"{_cells(missing)} without weights: {words}."


def _missing(cells: pd.DataFrame, names: list[str]) -> Iterator[tuple[str, int]]:
    """Cells without weights by the status that most of their runs have."""
    without = cells[cells["distinct"] == 0]
    numbers = without[names].astype("int64").idxmax(axis="columns").value_counts()
    yield from ((name, int(numbers[name])) for name in names if name in numbers)


def _cells(number: int) -> str:
    return "One cell is" if number == 1 else f"{number:,} cells are"
