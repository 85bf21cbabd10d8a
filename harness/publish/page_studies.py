"""Studies as the page shows them: what was found of two cells, and links to them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from harness.analysis.axis_examples import CellName
from harness.publish import page_address
from harness.publish.study_files import StudyFile

_RUN_OR_FIT = re.compile(r"(#[0-9]+)?(@[0-9]+(\.[0-9]+)?)?\Z")
"""What `diff` lets stand behind the id of a cell."""


@dataclass(frozen=True, kw_only=True)
class StudyOnPage:
    """One study; `address` leads to its cells, "" where the publication does not have them."""

    names: tuple[str, ...]
    address: str
    sentences: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def of_files(studies: Sequence[StudyFile], cells: pd.DataFrame) -> list[StudyOnPage]:
    """The studies, in the order given; `cells` are those that are published."""
    keys = zip(cells["matrix"], cells["machine"], cells["cell"], strict=True)
    workloads = dict(zip(keys, cells["workload"], strict=True))
    return [_shown(study, workloads) for study in studies]


def _shown(study: StudyFile, workloads: dict[tuple[str, str, str], str]) -> StudyOnPage:
    names = tuple(dict.fromkeys(_name(each) for each in study.cells))
    return StudyOnPage(
        names=study.cells,
        address=_address(names, workloads),
        sentences=study.sentences,
        columns=study.columns,
        rows=study.rows,
    )


def _name(full: str) -> CellName:
    matrix, _, rest = full.partition("/")
    machine, _, cell = rest.partition("/")
    return CellName(matrix=matrix, machine=machine, cell=_RUN_OR_FIT.sub("", cell))


def _address(names: Collection[CellName], workloads: dict[tuple[str, str, str], str]) -> str:
    own = {workloads.get((each.matrix, each.machine, each.cell), "") for each in names}
    if len(own) != 1 or "" in own:
        return ""
    return page_address.to_cells(own.pop(), tuple(names))
