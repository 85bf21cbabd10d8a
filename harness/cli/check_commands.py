"""`check` and `migrate`: whether files are what they should be, and of today's schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from harness import console
from harness.cli import matrix_commands
from harness.errors import RecordError
from harness.results import checking, migration
from harness.results.checking import Report


class Kind(str, Enum):
    """What a results folder can leave out."""

    weights = "weights"
    predictions = "predictions"


EVERY = 10_000
"""Without a terminal, one line of progress per so many files."""


def check(
    path: Annotated[Path, typer.Argument(metavar="MATRIX|DIR", help="Matrix file or results.")],
    without_arrays: Annotated[
        bool, typer.Option("--without-arrays", help="Weights and predictions may be left out.")
    ] = False,
) -> None:
    """Check a matrix file, or a whole results folder: every record, array, plan and lock."""
    if path.is_dir():
        _check_results(path, arrays=not without_arrays)
    else:
        matrix_commands.check_matrix(path)


def migrate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A results folder.")],
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Keep no copies: for results under version control."),
    ] = False,
    leave_out: Annotated[
        list[Kind] | None,
        typer.Option(
            "--leave-out",
            help="Also remove the arrays of this kind, and have the folder say so; repeatable.",
        ),
    ] = None,
) -> None:
    """Write results of older schemas in today's; each record as it was stays beside it."""
    with _progress(checking.count(folder)) as advance:
        done = migration.migrate(folder, advance, supersede=not replace)
    if leave_out:
        kinds_left_out = [kind.value for kind in leave_out]
        done["arrays removed"] = migration.leave_out(folder, kinds_left_out)
    kinds = [f"{number:,} {kind}" for kind, number in sorted(done.items()) if number]
    console.result(f"{folder}: {', '.join(kinds) or 'everything is in the schema of today'}\n")


def _check_results(folder: Path, *, arrays: bool) -> None:
    with _progress(checking.count(folder)) as advance:
        report = checking.check(folder, advance, arrays=arrays)
    if report.findings:
        raise RecordError("\n".join([_headline(folder, report), *_lines(report)]))
    console.result(f"{folder}: ok; {_counts(report, folder)}\n")


def _headline(folder: Path, report: Report) -> str:
    number = len(report.findings)
    return f"{folder} has {number:,} problem{'s' if number > 1 else ''}; else {_totals(report)}"


def _lines(report: Report) -> Iterator[str]:
    for finding in report.findings:
        yield f"{_short(finding.path)}: {finding.kind}: {finding.what}"


def _short(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _totals(report: Report) -> str:
    kinds = ("records", "superseded", "arrays", "locks")
    return ", ".join(f"{report.counts[kind]:,} {kind}" for kind in kinds)


def _counts(report: Report, folder: Path) -> str:
    parts = [_totals(report)]
    unvouched, unused = report.counts["unvouched"], report.counts["unused"]
    if unvouched:
        parts.append(
            f"{unvouched:,} records are of schema 1 and carry no digest, so changes in them cannot "
            f"be seen: harness migrate {folder}"
        )
    if report.counts["left out"]:
        parts.append(f"{report.counts['left out']:,} arrays are left out")
    if unused:
        parts.append(f"{unused:,} arrays are named by no record: harness clean removes them")
    return "; ".join(parts)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], object]]:
    """A bar on a terminal, a line now and then elsewhere."""
    if not console.notes.is_terminal:
        yield _lines_of(total)
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("files"))
    with Progress(*columns, console=console.notes, transient=True) as bar:
        row = bar.add_task("", total=total)
        yield lambda: bar.advance(row)


def _lines_of(total: int) -> Callable[[], object]:
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        if done % EVERY == 0:
            console.note(f"{done:,} of about {total:,} files")

    return advance
