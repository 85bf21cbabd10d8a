"""What `table` prints. It needs pandas, which takes a while to import."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from harness import console
from harness.analysis import claim_table, claimed_cells, unequal_results
from harness.analysis.axis_table import by_axis
from harness.analysis.cell_table import WEIGHTS, by_cell
from harness.analysis.class_table import by_class
from harness.analysis.run_table import runs
from harness.errors import NotReproducibleError, SelectionError
from harness.publish import tables
from harness.results import scan

_NO_CLAIMS = (
    "no claims in these results; add `claims:` to the matrix file, and harness run writes them "
    "into the plan"
)

_OF_RUNS: Mapping[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "run": lambda table: table,
    "cell": by_cell,
    "axis": by_axis,
}


def show(folder: Path, by: str, format: str, of: str = WEIGHTS) -> None:
    """The table of the results below `folder`, and how many runs there are.

    `of` says what is equal in a class.
    """
    table = runs(folder)
    console.result(tables.render(_frame(folder, table, by, format, of), format))
    console.note(tables.summary(table))
    for sentence in unequal_results.sentences(by_cell(table)):
        console.note(sentence)


def _frame(folder: Path, table: pd.DataFrame, by: str, format: str, of: str) -> pd.DataFrame:
    if by == "class":
        return by_class(table, of)
    if by == "setting":
        return _settings(folder, format)
    if by == "model":
        return _models(folder)
    if by == "claim":
        return _claims(folder, table)
    return _OF_RUNS[by](table)


def _claims(folder: Path, table: pd.DataFrame) -> pd.DataFrame:
    claims = claim_table.of_cells(by_cell(table), claimed_cells.read(scan.sweeps(folder)))
    if claims.empty:
        console.note(f"{folder}: {_NO_CLAIMS}")
    return claims


def check_claims(folder: Path) -> None:
    """Raise what `--check` finds: a claim that does not hold, or none to be judged.

    Raises:
        NotReproducibleError: a claim is refuted or mixed.
        SelectionError: there are no claims, or none was tried.
    """
    claims = claim_table.by_claim(folder)
    standing = claim_table.standing(claims)
    if standing in ("no claims", "nothing tried"):
        none = _NO_CLAIMS if standing == "no claims" else "no claim was tried; the table says why"
        raise SelectionError(f"{folder}: --check: {none}")
    failing = claims[claims["verdict"].isin(claim_table.FAILING)]
    if len(failing):
        lines = [
            f"{row.claim}, {row.workload}: {row.verdict}, {row.reason}"
            for row in failing.itertuples()
        ]
        listed = "\n  ".join(lines)
        raise NotReproducibleError(
            f"{len(failing)} of {len(claims)} claims (one per workload) do not hold:\n  {listed}\n"
            f"harness table {folder} --by claim names the cells"
        )


def _models(folder: Path) -> pd.DataFrame:
    # It reads every record, as `_settings` does.
    from harness.analysis import model_table

    return model_table.by_model(folder)


def _settings(folder: Path, format: str) -> pd.DataFrame:
    """Every row for programs; for people each finding once, since most cells agree."""
    # It reads every record, and what reads records takes a while to import.
    from harness.analysis import setting_table

    frame = setting_table.by_setting(folder)
    return frame if format in ("csv", "json") else setting_table.grouped(frame)
