"""Reference tables for the documents, from the catalogue and the columns themselves."""

from __future__ import annotations

from harness.analysis.columns import FOUND_COLUMNS, RUN_COLUMNS
from harness.protocol.axes import CATALOGUE
from harness.publish import escaping, markdown
from harness.subjects.reference import with_names


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
        for axis in map(with_names, CATALOGUE)
    ]
    return _table(headers, rows)


def columns() -> str:
    """Every column of the run table: name, dtype and meaning; those per axis in one row."""
    rows = [
        [f"`{column.name}`", column.dtype, column.sentence]
        for column in RUN_COLUMNS
        if column not in FOUND_COLUMNS
    ]
    every = "An axis as read back in the process; missing if it could not be."
    rows.append(["`found_device`, `found_threads`, …", "string", every])
    return _table(["column", "dtype", "meaning"], rows)


def _table(headers: list[str], rows: list[list[str]]) -> str:
    plain = [
        [cell if cell.startswith("`") else escaping.markdown(cell) for cell in row] for row in rows
    ]
    return markdown.table(headers, plain, [False] * len(headers)) + "\n"
