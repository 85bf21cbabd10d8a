"""Cells as people name them on the command line: `DIR A B`, or `DIR1:A DIR2:B`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from harness import selection
from harness.errors import SelectionError, UsageError
from harness.publish.escaping import visible
from harness.results import scan
from harness.results.reading import read_record
from harness.results.record import Record
from harness.results.scan import SweepFolder
from harness.studies import result_sources

_NUMBER = "[1-9][0-9]*"
_RUN = re.compile(
    rf"(?P<cell>.+?)(#(?P<repeat>{_NUMBER}))?(@(?P<model>{_NUMBER})(\.(?P<fit>{_NUMBER}))?)?"
)
_EXAMPLES = 5


@dataclass(frozen=True, kw_only=True)
class Side:
    """One cell of one machine's results: `folder` is as it was named, `sweep` where it lies.

    `repeat` is the run that was named, None where the cell was. `fit` is the model and fit of a
    script that was named, None where the whole training was. `records` are those of the runs that
    were named and completed, at least one, by repeat.
    """

    folder: str
    sweep: SweepFolder
    cell: str
    repeat: int | None
    fit: tuple[int, int] | None = None
    records: tuple[Record, ...]

    @property
    def name(self) -> str:
        """`MATRIX/MACHINE/CELL`, `#REPEAT` where a run was named, and `@MODEL.FIT` for a fit."""
        run = "" if self.repeat is None else f"#{self.repeat}"
        fit = "" if self.fit is None else f"@{self.fit[0]}.{self.fit[1]}"
        return f"{self.sweep.matrix}/{self.sweep.machine}/{self.cell}{run}{fit}"


@contextmanager
def opened(arguments: Sequence[str], *, sides: int = 2) -> Iterator[list[str]]:
    """The same arguments for `resolve`, with folders in place of bundles, for the `with` block.

    Raises:
        UsageError: the arguments are not of this form, or a bundle cannot be read.
        RecordError: a bundle is unsafe, damaged, or not what its manifest says.
    """
    pairs = _pairs(arguments, sides)
    named = list(dict.fromkeys(folder for folder, _ in pairs))
    with result_sources.opened(named) as folders:
        at = dict(zip(named, folders, strict=True))
        yield [f"{at[folder]}:{name}" for folder, name in pairs]


def resolve(
    arguments: Sequence[str], *, sides: int = 2, prefer: str = "", fits: bool = False
) -> tuple[Side, ...]:
    """The cells that these arguments name, as many as there are to be `sides`.

    They are `DIR A B`, or `DIR1:A DIR2:B`. A cell is named by its id, by `MACHINE/CELL` or
    `MATRIX/MACHINE/CELL`, or by a glob that fits one; `#2` behind it means its second run, `@2.1`
    the first fit of a script's second model, as does `@2`, where `fits` allows it: on both sides or
    on none. Of several machines' cells of one id it is that of the machine `prefer`, or of the
    first.

    Raises:
        UsageError: the arguments are not of this form, a folder has no results, or fits are named
            where whole trainings are compared.
        SelectionError: nothing, or more than one cell, has that name, or it has no weights.
        RecordError: a record is unreadable or of another schema.
    """
    found = tuple(_side(folder, name, prefer) for folder, name in _pairs(arguments, sides))
    named = [side.name for side in found if side.fit is not None]
    if named and not fits:
        raise UsageError(f"{named[0]}: only harness diff compares single fits; leave out @…")
    if named and len(named) < len(found):
        raise UsageError(f"{named[0]}: name a fit on the other side, too, such as A@1 and A@2")
    return found


def require_one_workload(sides: Sequence[Side]) -> None:
    """Refuse two sides that train different things.

    Raises:
        UsageError: they do.
    """
    one, other = (str(side.records[0].settings.get("workload")) for side in sides)
    if one != other:
        raise UsageError(f"A trains {one} and B {other}: name two cells of one workload")


def require_two_runs(sides: Sequence[Side]) -> None:
    """Refuse to compare one run with itself, or with a copy of its record.

    Raises:
        UsageError: the sides have the same records.
    """
    one, other = sides
    if (one.records, one.fit) == (other.records, other.fit):
        raise one_run(one)


def one_run(side: Side) -> UsageError:
    """What is wrong where both sides are this run."""
    return UsageError(
        f"{side.name}: both sides are this one, which would be compared with itself; name another"
        f" cell, or another run of it, such as {side.cell}#2"
    )


def _pairs(arguments: Sequence[str], sides: int) -> list[tuple[str, str]]:
    """A folder and a name for each side."""
    if len(arguments) == sides + 1:
        return [(arguments[0], name) for name in arguments[1:]]
    pairs = [argument.rpartition(":") for argument in arguments]
    if len(arguments) == sides and all(folder and name for folder, _, name in pairs):
        return [(folder, name) for folder, _, name in pairs]
    wanted = "DIR A B, or DIR1:A DIR2:B" if sides == 2 else "DIR A, or DIR:A"
    cells = "two cells" if sides == 2 else "one cell"
    raise UsageError(f"name {cells}: {wanted}; harness table DIR --by cell lists them")


def _side(folder: str, name: str, prefer: str) -> Side:
    match = _RUN.fullmatch(name)
    wanted = match["cell"] if match else name
    repeat = int(match["repeat"]) if match and match["repeat"] else None
    fit = (int(match["model"]), int(match["fit"] or 1)) if match and match["model"] else None
    sweeps = scan.sweeps(folder)
    fitting = _fitting(folder, sweeps, wanted)
    fitting.sort(key=lambda each: each[0].machine != prefer)
    read = [(sweep, cell, _records(sweep, cell)) for sweep, cell in fitting]
    sweep, cell, records = next((each for each in read if _completed(each[2])), read[0])
    completed = _completed(records)
    own = tuple(record for record in completed if repeat in (None, record.repeat))
    if not own:
        raise SelectionError(f"{visible(name)}: {_no_weights(records, completed, repeat)}")
    if fit is not None:
        _require_fit(name, own[0], fit)
    return Side(folder=folder, sweep=sweep, cell=cell, repeat=repeat, fit=fit, records=own)


def _require_fit(name: str, record: Record, fit: tuple[int, int]) -> None:
    measured = record.measured
    known = [(each.model, each.fit) for each in measured.fits] if measured else []
    if fit not in known:
        have = ", ".join(f"@{model}.{number}" for model, number in sorted(set(known)))
        raise SelectionError(
            f"{visible(name)}: has no such fit; there {'are' if len(known) > 1 else 'is'} {have}"
            if known
            else f"{visible(name)}: has no fits to choose from; only users' scripts have several"
        )


def _records(sweep: SweepFolder, cell: str) -> list[Record]:
    folder = sweep.folder / cell
    repeats, _ = scan.repeats_in(folder)
    found = (read_record(folder / f"{repeat}.json") for repeat in repeats)
    return [record for record in found if record is not None]


def _completed(records: Sequence[Record]) -> list[Record]:
    """Those whose weights are known; of a script that was not observed they are not."""
    done = (record for record in records if record.status == "completed")
    return [each for each in done if each.measured and each.measured.weights_sha256]


def _no_weights(records: Sequence[Record], completed: Sequence[Record], repeat: int | None) -> str:
    if completed:
        have = ", ".join(str(record.repeat) for record in completed)
        return f"has no run {repeat} with weights; those that have some: {have}"
    if not records:
        return "has no weights: it was never run"
    first = records[0]
    return f"has no weights: {first.status}: {first.reason.partition(chr(10))[0]}"


def _fitting(
    folder: str, sweeps: Sequence[SweepFolder], name: str
) -> list[tuple[SweepFolder, str]]:
    """The places of the one cell that has this name."""
    places = list(_places(sweeps))
    matches = selection.matcher([name])
    exact = [each for each in places if name in _names(*each)]
    chosen = exact or [each for each in places if any(map(matches, _names(*each)))]
    ids = list(dict.fromkeys(cell for _, cell in chosen))
    if len(ids) == 1:
        return chosen
    raise SelectionError(_which(folder, name, ids) if ids else _nothing(folder, sweeps, name))


def _places(sweeps: Sequence[SweepFolder]) -> Iterator[tuple[SweepFolder, str]]:
    for sweep in sweeps:
        cells, _ = scan.cell_folders(sweep.folder)
        yield from ((sweep, cell) for cell in cells)


def _names(sweep: SweepFolder, cell: str) -> tuple[str, str, str]:
    return cell, f"{sweep.machine}/{cell}", f"{sweep.matrix}/{sweep.machine}/{cell}"


def _which(folder: str, name: str, ids: Sequence[str]) -> str:
    more = f"\n  … and {len(ids) - _EXAMPLES} more" if len(ids) > _EXAMPLES else ""
    listed = "\n  ".join(map(visible, ids[:_EXAMPLES]))
    return f"{name!r} fits {len(ids)} cells in {folder}; name one of\n  {listed}{more}"


def _nothing(folder: str, sweeps: Sequence[SweepFolder], name: str) -> str:
    """Why nothing is found: it was planned and not run, or is not known at all."""
    matches = selection.matcher([name])
    for sweep in sweeps:
        plan = sweep.plan()
        for cell in plan[1] if plan else ():
            if any(map(matches, _names(sweep, cell.id))):
                why = f"{cell.status}: {cell.reason}" if cell.status else "it was never run"
                return f"{visible(cell.id)}: has no weights: {why}"
    ids = list(dict.fromkeys(cell for _, cell in _places(sweeps)))
    near = difflib.get_close_matches(name, ids, n=_EXAMPLES, cutoff=0)
    examples = "\n  ".join(map(visible, near))
    return f"no cell in {folder} has the name {name!r}; the nearest are\n  {examples}"
