"""Reference tables for the README, from the catalogue and the columns themselves."""

from __future__ import annotations

from tabulate import tabulate

from harness.analysis.columns import RUN_COLUMNS
from harness.protocol.axes import CATALOGUE
from harness.publish import escaping


def axes() -> str:
    """Every axis: scope, values with the default, since when, how it is applied and read back."""
    headers = ["axis", "scope", "values (default)", "from", "what it is", "applied by", "read back"]
    rows = [
        [
            f"`{axis.name}`",
            axis.scope,
            f"{axis.allowed} ({'none' if axis.default == () else axis.default})",
            axis.since,
            axis.sentence,
            axis.applied,
            axis.read_back,
        ]
        for axis in CATALOGUE
    ]
    return _table(headers, rows)


def columns() -> str:
    """Every column of the run table: name, dtype and meaning."""
    rows = [[f"`{column.name}`", column.dtype, column.sentence] for column in RUN_COLUMNS]
    return _table(["column", "dtype", "meaning"], rows)


def _table(headers: list[str], rows: list[list[str]]) -> str:
    plain = [
        [cell if cell.startswith("`") else escaping.markdown(cell) for cell in row] for row in rows
    ]
    return tabulate(plain, headers, tablefmt="pipe", disable_numparse=True) + "\n"
