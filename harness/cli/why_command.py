"""`why`: which settings make two cells differ, or an unstable cell stable, by running them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from harness import console
from harness.cli import (
    bundle_commands,
    cell_scripts,
    cell_stability,
    options,
    study_report,
    wiring,
)
from harness.cli.cell_experiment import CellExperiment, recorded_locks
from harness.cli.cell_scripts import Allowed
from harness.cli.pair_study import PairStudy
from harness.cli.study_report import Found, Saved
from harness.cli.sweeps import Setting
from harness.engines import choice
from harness.errors import (
    IncompleteSweepError,
    NotReproducibleError,
    UsageError,
)
from harness.executors.run_processes import Limits
from harness.matrix.cells import Cell, combined
from harness.publish import study_files
from harness.results import scan
from harness.studies import (
    explained,
    hybrid_table,
    named_cells,
    one_bit,
    setting_groups,
    version_findings,
    version_series,
)
from harness.studies.named_cells import Side
from harness.studies.record_cells import (
    UnknownCellError,
    UnknownScriptError,
    cell_of,
    script_of,
)

_PAIR_REPEATS = 2
_STABLE_REPEATS = 3


def why(
    cells: Annotated[
        list[str],
        typer.Argument(
            metavar="DIR A B",
            help="A results folder or bundle and two cells of it; or DIR1:A DIR2:B.",
        ),
    ],
    stable: Annotated[
        bool, typer.Option("--stable", help="What makes the one cell A stable (DIR A).")
    ] = False,
    repeats: Annotated[
        int | None,
        typer.Option(help="Runs that an equality rests upon: 2, with --stable 3.", min=2, max=100),
    ] = None,
    versions: Annotated[
        bool,
        typer.Option(
            "--versions/--no-versions",
            help="Go into versions: look for the release, then the package. It makes environments.",
        ),
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be run, and run nothing.")
    ] = False,
    engine: options.Engine = options.ENGINE,
    results: options.Results = options.RESULTS,
    locks: bundle_commands.Locks = None,
    data: options.Data = None,
    trust_bundle: options.TrustBundle = False,
    timeout: options.Timeout = options.TIMEOUT,
    memory: options.Memory = options.MEMORY,
    save: options.Save = None,
    format: options.Format = "rich",
) -> None:
    """Run hybrids of two cells, and say which settings make them differ.

    \b
    harness why results/quickstart '*cnn*2.10*threads=1' '*cnn*2.10*threads=2'
    harness why results/quickstart '*augmented*2.21*threads=2' --stable
    """
    options.check_format(format)
    if save is not None:
        study_files.check_target(save)
    with named_cells.opened(cells, sides=1 if stable else 2) as named:
        machine = wiring.this_machine()
        sides = named_cells.resolve(named, sides=1 if stable else 2, prefer=machine.id)
        its_cells = [_cell(side) for side in sides]
        by_lock = not stable and _differ_in_locks(sides, its_cells)
        if by_lock:
            its_cells = _as_locked(sides, its_cells[0])
        names = [side.name for side in sides]
        if not stable and not _differ(sides, its_cells, names, format):
            return
        limits = Limits(timeout=timeout, memory=options.bytes_of(memory))
        chosen, reason = choice.choose(engine, tidy=not dry_run)
        console.note(f"engine: {chosen.name}; {reason}")
        setting = Setting(
            engine=chosen, named=options.named(engine), machine=machine, limits=limits
        )
        runs = repeats or (_STABLE_REPEATS if stable else _PAIR_REPEATS)
        environments = [cell.environment for cell in its_cells]
        # Cells told apart by what their locks have need locks of their own.
        recorded = (
            {}
            if by_lock
            else recorded_locks(
                sides, environments, own=locks or (), engine=chosen, trusted=trust_bundle
            )
        )
        allowed = Allowed(data=data or (), trusted=trust_bundle)
        experiment = CellExperiment(
            setting,
            results=results,
            name=_name(its_cells),
            repeats=runs,
            command="harness why",
            locks=recorded,
            scripts=cell_scripts.ready(sides, its_cells, allowed, chosen),
            sources=[sweep for side in sides for sweep in scan.sweeps(side.folder)],
        )
        saved = Saved(path=save, command="why", cells=names) if save else None
        if stable:
            cell_stability.study(experiment, sides[0], its_cells[0], runs, dry_run, format, saved)
        else:
            study = PairStudy(experiment, sides, its_cells, runs)
            _explain(study, names, versions, dry_run, format, saved)


def _cell(side: Side) -> Cell:
    record = side.records[0]
    try:
        script_of(record)
        return cell_of(record)
    except UnknownScriptError as error:
        raise UsageError(
            f"{side.cell}: {error}, or ask the script itself: harness diagnose SCRIPT"
        ) from error
    except UnknownCellError as error:
        raise UsageError(f"{side.cell}: cannot be run here: {error}") from error


def _differ_in_locks(sides: Sequence[Side], cells: Sequence[Cell]) -> bool:
    """Whether the two are one cell, installed from locks with other packages."""
    if cells[0].id != cells[1].id:
        return False
    ends = version_series.as_locked(cells[0].environment, *_packages(sides))
    return ends[0] != ends[1]


def _as_locked(sides: Sequence[Side], cell: Cell) -> list[Cell]:
    """The one cell as either lock has it."""
    ends = version_series.as_locked(cell.environment, *_packages(sides))
    return [combined(environment, cell.values) for environment in ends]


def _packages(sides: Sequence[Side]) -> tuple[Mapping[str, str], Mapping[str, str]]:
    a, b = (side.records[0].environment.packages for side in sides)
    return a, b


def _differ(
    sides: Sequence[Side], cells: Sequence[Cell], names: Sequence[str], format: str
) -> bool:
    """Whether there is something to explain; False where the recorded weights are equal.

    Raises:
        UsageError: the two are one cell, or of two workloads.
        NotReproducibleError: nothing that can be asked for differs.
        UnverifiedError: weights are equal by their digests, and not verified to be.
    """
    (a, b), (one, other) = sides, cells
    folders = [each.sweep.folder.resolve() for each in sides]
    if (folders[0] == folders[1] and a.cell == b.cell) or a.records == b.records:
        raise UsageError(f"{a.cell}: name two cells, or --stable for runs of one that differ")
    if one.workload != other.workload:
        raise UsageError(
            f"A trains {one.workload} and B {other.workload}: name two cells of one workload"
        )
    weights = [_weights(side) for side in sides]
    if weights[0] == weights[1] and len(weights[0]) == 1:
        unverified = one_bit.of_weights(folders, next(iter(weights[0])))
        said = [
            "They do not differ: the recorded weights are equal.",
            *study_report.unverified([unverified]),
        ]
        _show(said, names, format, "unverified" if unverified else "equal")
        study_report.require_verified([unverified])
        return False
    if one.id == other.id:
        around = setting_groups.surroundings(a.records[0], b.records[0])
        what = ", ".join(around) or "nothing that is recorded"
        said = [f"Nothing that can be asked for differs; what does: {what}."]
        _show(said, names, format, "nothing to explain")
        raise NotReproducibleError(
            f"no setting explains it; harness verify {b.folder} runs the cell here and compares"
        )
    return True


def _show(lines: Sequence[str], names: Sequence[str], format: str, state: str) -> None:
    """What needs no table."""
    found = Found(cells=names, sentences=lines, fields={"state": state}, rows="hybrids")
    study_report.show(found, None, format, hybrid_table.SHOWN)


def _weights(side: Side) -> frozenset[str]:
    return frozenset(r.measured.weights_sha256 for r in side.records if r.measured)


def _name(cells: Sequence[Cell]) -> str:
    """The name of the study's sweep: the same for A B and B A."""
    ids = "\n".join(sorted(cell.id for cell in cells))
    return f"why-{cells[0].workload}-{hashlib.sha256(ids.encode()).hexdigest()[:8]}"


def _explain(
    study: PairStudy,
    names: Sequence[str],
    versions: bool,
    dry_run: bool,
    format: str,
    saved: Saved | None,
) -> None:
    study.note_differences()
    if dry_run:
        _show(study.prospect(versions), names, format, "dry run")
        return
    found = study.explained()
    lines = explained.sentences(found)
    if versions:
        lines[-1:-1] = study.versions(found)
    unverified = study.unverified
    fields = {
        **explained.fields(found),
        "versions": version_findings.fields(study.finding) if study.finding else None,
        "unverified": unverified,
        **({"state": "unverified"} if unverified else {}),
    }
    said = Found(
        cells=names,
        sentences=[*lines, *study_report.unverified(unverified)],
        fields=fields,
        rows="hybrids",
    )
    frame = hybrid_table.frame(study.rows, study.letters(found))
    study_report.show(said, frame, format, hybrid_table.SHOWN, saved)
    study_report.note_records(study.folder)
    study_report.require_verified(unverified)
    state = found.explanation.state
    if state == "incomplete":
        raise IncompleteSweepError("not explained: an end gives no result here")
    if state != "explained":
        raise NotReproducibleError(f"not explained: {lines[0]}")
