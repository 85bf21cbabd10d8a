"""What a publication is made from: the sweeps of several folders, whatever their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.analysis import merging, parameters
from harness.analysis.columns import RUN_COLUMNS, frame_of
from harness.analysis.merging import MergedResults
from harness.results.scan import MACHINE, PLAN, VOUCHERS, SweepFolder, sweeps


@dataclass(frozen=True, kw_only=True)
class Source:
    """A sweep folder, and the name its machine has among those of all folders.

    `part` counts the folders of one sweep from 1: where it was put together, there are several.
    """

    matrix: str
    machine: str
    sweep: SweepFolder
    part: int


def merge(folders: Sequence[Path]) -> MergedResults:
    """Everything in these folders, sorted by matrix and machine; their order does not matter.

    Raises:
        UsageError: there are no results in a folder.
        RecordError: a record, plan or machine description is unreadable or of another schema.
    """
    result = merging.merge(sorted(folders, key=_content))
    runs = result.runs.sort_values(["matrix", "machine"], kind="stable")
    own = parameters.names_in(runs)
    return replace(result, runs=frame_of(runs.reset_index(drop=True), RUN_COLUMNS, own))


def sources(merged: MergedResults) -> Iterator[Source]:
    """Every sweep folder, sorted by matrix and machine."""
    for (matrix, machine), folders in sorted(merged.folders.items()):
        for part, folder in enumerate(folders, start=1):
            (sweep,) = sweeps(folder)
            yield Source(matrix=matrix, machine=machine, sweep=sweep, part=part)


def files(source: Source) -> Iterator[Path]:
    """The machine, the plan, the vouchers and every record of a sweep folder."""
    folder = source.sweep.folder
    names = (MACHINE, PLAN, VOUCHERS)
    yield from (folder / name for name in names if (folder / name).exists())
    for record in source.sweep.records():
        yield folder / record.cell / f"{record.repeat}.json"


def _content(folder: Path) -> list[tuple[str, str, list[str]]]:
    """What tells folders apart, wherever they lie."""
    return [
        (sweep.matrix, sweep.machine, sorted(str(p.relative_to(sweep.folder)) for p in _all(sweep)))
        for sweep in sweeps(folder)
    ]


def _all(sweep: SweepFolder) -> Iterator[Path]:
    return sweep.folder.glob("*/*.json")
