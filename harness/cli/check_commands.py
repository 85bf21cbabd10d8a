"""`check` and `migrate`: whether files are what they should be, and of today's schema."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from harness import console, places
from harness.cli import attestation_file, file_kinds, matrix_commands, options
from harness.environments.lock import Lock
from harness.errors import LockError, RecordError, UsageError
from harness.matrix import cells, reading
from harness.results import checking, migration
from harness.results.checking import Report


class Kind(str, Enum):
    """What a results folder can leave out."""

    weights = "weights"
    predictions = "predictions"
    traces = "traces"


if TYPE_CHECKING:
    from harness.upkeep.soundness import Part

EVERY = 10_000
"""Without a terminal, one line of progress per so many files."""


def check(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="[MATRIX|DIR|ATTESTATION]",
            help="Matrix file, results, or what verify --attest wrote.",
            callback=file_kinds.checked("matrix file", "results folder", "attestation"),
        ),
    ] = None,
    without_arrays: Annotated[
        bool, typer.Option("--without-arrays", help="Weights and predictions may be left out.")
    ] = False,
    environments: Annotated[
        bool,
        typer.Option(
            "--environments",
            help="Environments, bytecode, wheels, runner and images instead: all that is in the "
            "cache, or what the matrix uses.",
        ),
    ] = False,
    signer: Annotated[
        Path | None,
        typer.Option(
            "--signer",
            metavar="FILE",
            help="Who must have signed the attestation: a public SSH key, or a file of allowed "
            "signers.",
        ),
    ] = None,
) -> None:
    """Check a matrix file, or a whole results folder: every record, array, plan and lock.

    Of an attestation: the signature, and what it says; exit code 9 if that is FAILED.

    With --environments every byte of what runs are made with, for a matrix or in the whole cache.
    """
    if path is not None and file_kinds.kind_of(path) == "attestation":
        attestation_file.check(path, signer)
    elif signer is not None:
        raise UsageError("--signer is for attestations; of a bundle, harness verify checks it")
    elif environments:
        _check_environments(path)
    elif path is None:
        raise UsageError("name a matrix file or a folder of results, or give --environments")
    elif path.is_dir():
        _check_results(path, arrays=not without_arrays)
    else:
        matrix_commands.check_matrix(path)


def migrate(
    folder: options.ResultsFolder,
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


def _check_environments(matrix: Path | None) -> None:
    # Docker's client and others that take long to import.
    from harness.upkeep import soundness

    locks = _locks(matrix) if matrix else None
    parts = list(soundness.parts(locks, thorough=True, note=console.note))
    with _progress(len(parts)) as advance:
        changes = [change for part in parts for change in [_changed(part, advance)] if change]
    kinds = Counter(part.kind for part in parts)
    counted = ", ".join(f"{number:,} {kind}" for kind, number in sorted(kinds.items())) or "nothing"
    if changes:
        raise LockError(
            "\n".join(
                [
                    f"{len(changes):,} of {counted} are not what was made, and not used: each is"
                    " made anew when it is needed next, and harness build does it now",
                    *changes,
                ]
            )
        )
    console.result(f"{matrix or places.cache()}: ok; {counted}\n")


def _changed(part: Part, advance: Callable[[], object]) -> str | None:
    change = part.change()
    advance()
    return f"{part.kind} {part.name}: {change}" if change else None


def _locks(matrix: Path) -> list[Lock]:
    from harness.cli import wiring

    read = wiring.lock_reader(matrix)
    planned = cells.cells(reading.read(matrix))
    environments = (cell.environment for cell in planned if cell.status is None)
    locks = (read(environment) for environment in dict.fromkeys(environments))
    return [lock for lock in locks if lock is not None]


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
    kinds = ["records", "superseded", "arrays", "locks"]
    if report.counts["scripts"]:
        kinds.insert(3, "scripts")
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
