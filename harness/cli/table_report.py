"""What `table` prints. It needs pandas, which takes a while to import."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from harness import console
from harness.analysis import (
    claim_table,
    claimed_cells,
    merging,
    price_table,
    unequal_results,
)
from harness.analysis.axis_table import by_axis
from harness.analysis.cell_table import WEIGHTS, by_cell
from harness.analysis.class_table import by_class
from harness.analysis.merging import MergedResults
from harness.analysis.run_table import runs
from harness.errors import NotReproducibleError, SelectionError
from harness.publish import tables
from harness.publish.views import View
from harness.results import scan

_NO_CLAIMS = (
    "no claims in these results; add `claims:` to the matrix file, and harness run writes them "
    "into the plan"
)

_OF_RUNS: Mapping[View, Callable[[pd.DataFrame], pd.DataFrame]] = {
    View.run: lambda table: table,
    View.cell: by_cell,
    View.axis: by_axis,
}


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be printed: `of` is what is equal in a class, `only` selects cells.

    `check` asks for an error where claims do not hold.
    """

    by: View
    of: str = WEIGHTS
    only: tuple[str, ...] = ()
    ids: bool = False
    check: bool = False
    format: str = "rich"


def show(folders: Sequence[Path], request: Request) -> None:
    """The table of the results in these folders, and how many runs there are."""
    if len(folders) == 1:
        # One folder's machines have their names already, which saves looking for copies.
        table, merged = runs(folders[0]), None
    else:
        merged = merging.merge(folders)
        table = merged.runs
        for note in merged.notes:
            console.note(note)
    whole, table = table, merging.selected_rows(table, request.only)
    if request.by is View.price:
        frame = price_table.by_price(table, beside=whole)
    else:
        frame = _frame(table, request, lambda: _places(folders[0], merged))
    console.result(tables.render(frame, request.format, ids=request.ids))
    console.note(tables.summary(table))
    for sentence in unequal_results.sentences(by_cell(table)):
        console.note(sentence)
    if request.check:
        _check_claims(frame)


def _claims(table: pd.DataFrame, places: Iterable[Path]) -> pd.DataFrame:
    sweeps = (sweep for place in places for sweep in scan.sweeps(place))
    claims = claim_table.of_cells(by_cell(table), claimed_cells.read(sweeps))
    if claims.empty:
        console.note(_NO_CLAIMS)
    return claims


def _check_claims(claims: pd.DataFrame) -> None:
    """Raise what `--check` finds: a claim that does not hold, or none to be judged."""
    standing = claim_table.standing(claims)
    if standing in ("no claims", "nothing tried"):
        none = _NO_CLAIMS if standing == "no claims" else "no claim was tried; the table says why"
        raise SelectionError(f"--check: {none}")
    failing = claims[claims["verdict"].isin(claim_table.FAILING)]
    if len(failing):
        lines = [
            f"{row.claim}, {row.workload}: {row.verdict}, {row.reason}"
            for row in failing.itertuples()
        ]
        listed = "\n  ".join(lines)
        raise NotReproducibleError(
            f"{len(failing)} of {len(claims)} claims (one per workload) do not hold:\n  {listed}\n"
            "the table names the cells"
        )


def _places(folder: Path, merged: MergedResults | None) -> Iterator[tuple[Path, str | None]]:
    """Every folder of results, and the name that its machine has among those of all."""
    if merged is None:
        yield folder, None
        return
    for (_, machine), sweeps in merged.folders.items():
        yield from ((sweep, machine) for sweep in sweeps)


_Places = Callable[[], Iterator[tuple[Path, str | None]]]


def _frame(table: pd.DataFrame, request: Request, places: _Places) -> pd.DataFrame:
    if request.by is View.class_:
        return by_class(table, request.of)
    if request.by in _OF_RUNS:
        return _OF_RUNS[request.by](table)
    if request.by is View.claim:
        return _claims(table, dict.fromkeys(folder for folder, _ in places()))
    # These read every record, and what reads records takes a while to import.
    from harness.analysis import model_table, setting_table

    read = model_table.by_model if request.by is View.model else setting_table.by_setting
    parts = [_named(read(folder), machine) for folder, machine in places()]
    whole = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
    cells = set(table["cell"])
    frame = whole[whole["cell"].isin(cells)].reset_index(drop=True)
    # For people each finding once, since most cells agree; every row for programs.
    for_people = request.by is View.setting and request.format not in ("csv", "json")
    return setting_table.grouped(frame) if for_people else frame


def _named(frame: pd.DataFrame, machine: str | None) -> pd.DataFrame:
    if machine is None:
        return frame
    named: pd.DataFrame = frame.assign(machine=pd.array([machine] * len(frame), dtype="string"))
    return named
