"""`clean` and `doctor`: what lies on this machine, and what stands in the way."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from enum import Enum
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from harness import console, scratch
from harness.cli import file_kinds, options, wiring
from harness.errors import SelectionError, UsageError
from harness.matrix import cells, reading
from harness.publish import tables
from harness.upkeep import clean as cleaning
from harness.upkeep import doctor as examining
from harness.upkeep import items, references
from harness.upkeep.cached import Question
from harness.upkeep.checks import Check, Need
from harness.upkeep.items import Item
from harness.upkeep.references import References
from harness.wording import counted

SHOWN = 25
"""How many things a terminal is shown; the other formats have all."""


KEPT = "kept: its users are unknown"


class KindChoice(str, Enum):
    """What can be removed."""

    image = "image"
    environment = "environment"
    wheels = "wheels"
    runner = "runner"
    blobs = "blobs"
    container = "container"
    process = "process"
    mount = "mount"
    folder = "folder"


Folders = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="[FOLDER]...",
        help="More folders with matrices, or matrix files, than those that have used the cache: "
        "what their locks name is kept as well.",
    ),
]
ResultFolders = Annotated[
    list[Path] | None,
    typer.Option(
        "--results",
        metavar="DIR",
        help="Results: what their records name is kept, blobs that none names may go. "
        "By default results/ if it is there; may be repeated.",
    ),
]

_FOLDERS = 3
"""So many folders are named in a note."""


def clean(
    folders: Folders = None,
    results: ResultFolders = None,
    kind: Annotated[
        list[KindChoice] | None, typer.Option("--kind", help="Only these; may be repeated.")
    ] = None,
    item: Annotated[
        list[str] | None,
        typer.Option("--item", metavar="NAME", help="Only what has this name; may be repeated."),
    ] = None,
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Also what may be used by a folder that is not known.")
    ] = False,
    everything: Annotated[
        bool,
        typer.Option("--all", help="Also what is referred to: it can all be made again."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove what is listed.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list, which is what happens without --yes.")
    ] = False,
    format: options.Format = "rich",
) -> None:
    """List what nothing that ever used the cache refers to; remove it with --yes."""
    options.check_format(format)
    if yes and dry_run:
        raise UsageError("--yes and --dry-run exclude each other")
    locks = _folders_of_locks(folders)
    stored = _existing_results(results)
    with ExitStack() as stack:
        alone = stack.enter_context(scratch.alone())
        if not yes:
            # Who only lists keeps nobody waiting.
            stack.close()
        question = Question(references=_references(locks, stored), everything=everything)
        kinds = {one.value for one in kind or KindChoice}
        listed = cleaning.removable(question, stored, alone=alone, note=console.note)
        removable = _named([one for one in listed if one.kind in kinds], item)
        going = [one for one in removable if unknown or item or not one.disputed]
        freed = items.freed(going)
        outcomes = [_outcome(one, yes and one in going, one in going) for one in removable]
    _show(removable, outcomes, format)
    _note_what_to_type(removable, outcomes, freed, yes)


def _named(removable: list[Item], names: list[str] | None) -> list[Item]:
    missing = set(names or ()) - {one.name for one in removable}
    if missing:
        raise SelectionError(
            f"nothing that may go has the name {min(missing)!r}; see harness clean"
        )
    return [one for one in removable if not names or one.name in names]


def doctor(
    matrix: Annotated[
        Path | None,
        typer.Argument(
            metavar="[MATRIX]",
            help="The matrix file whose sweep is asked about.",
            callback=file_kinds.checked("matrix file"),
        ),
    ] = None,
    only: options.Only = None,
    engine: options.Engine = options.ENGINE,
    results: options.Results = options.RESULTS,
    memory: options.Memory = options.MEMORY,
    format: options.Format = "rich",
) -> int:
    """Say what this machine can do, and what stands in the way of a sweep; each line ok or not.

    Ends with 0 if nothing blocks a sweep, else with the code that the sweep would end with.
    """
    options.check_format(format)
    need = _need(matrix, only, engine, results, options.bytes_of(memory))
    checks = list(examining.examine(need))
    names = ["check", "state", "found", "to_do"]
    rows = [(one.check, one.state, one.found, one.to_do) for one in checks]
    frame = pd.DataFrame(rows, columns=names)
    columns = names if format == "rich" else None
    console.result(tables.render(frame, format, columns))
    blocking = [one for one in checks if one.state == "blocks"]
    _note_verdict(checks, blocking)
    return blocking[0].exit_code if blocking else 0


def _need(
    matrix: Path | None, only: list[str] | None, engine: str, results: Path, memory: int
) -> Need:
    if matrix is None:
        if only:
            raise UsageError("--only selects cells of a matrix: name its file as well")
        return Need(engine=engine, results=results, memory=memory)
    read = wiring.lock_reader(matrix)
    asked = cells.select(cells.cells(reading.read(matrix)), tuple(only or ()))
    possible = [cell for cell in asked if cell.status is None]
    return Need(
        engine=engine,
        results=results,
        memory=memory,
        environments=tuple(dict.fromkeys(cell.environment for cell in possible)),
        workloads=Counter(str(cell.values[cells.AXIS_INDEX["workload"]]) for cell in possible),
        lock=wiring.or_error(read),
    )


def _note_verdict(checks: list[Check], blocking: list[Check]) -> None:
    looks = sum(one.state == "look" for one in checks)
    if blocking:
        console.note(f"{len(blocking)} of {len(checks)} lines block a sweep, {looks} want a look")
    else:
        console.note(f"nothing blocks a sweep; {looks} of {len(checks)} lines want a look")


def _folders_of_locks(named: list[Path] | None) -> list[Path]:
    folders = references.lock_folders(named or [])
    if named and not folders:
        raise UsageError(f"{', '.join(map(str, named))}: there are no locks here or in locks/")
    return folders


def _existing_results(named: list[Path] | None) -> list[Path]:
    for folder in named or []:
        if not folder.is_dir():
            raise UsageError(f"{folder}: no such folder; --results names a folder of results")
    return [path.absolute() for path in named or [options.RESULTS] if path.is_dir()]


def _references(locks: list[Path], results: list[Path]) -> References:
    """What is referred to, and a note on where that was looked up."""
    kept = references.gather(locks, results)
    where = _few(kept.folders) or "no folder has used it yet"
    named = f"{counted(kept.locks, 'lock')} and {counted(kept.records, 'record')}"
    console.note(f"kept is what {named} name ({where})")
    for unread in kept.unread:
        console.note(f"kept as well is what this lock names, though it cannot be used: {unread}")
    if kept.gone:
        gone = f"{'is' if len(kept.gone) == 1 else 'are'} gone or empty now"
        console.note(f"kept as well is what was used for {_few(kept.gone)}, which {gone}")
    return kept


def _few(folders: Sequence[Path]) -> str:
    """Some of these folders, and how many more there are."""
    more = len(folders) - _FOLDERS
    named = ", ".join(map(str, folders[:_FOLDERS]))
    return f"{named} and {counted(more, 'other folder')}" if more > 0 else named


def _outcome(item: Item, remove: bool, may_go: bool) -> str:
    if not may_go:
        return KEPT
    reason = item.remove() if remove else None
    return f"kept: {reason}" if reason else "removed" if remove else "listed"


def _show(removable: list[Item], outcomes: list[str], format: str) -> None:
    rows = [
        (item.kind, item.name, items.readable(item.size), item.size, item.why, outcome)
        for item, outcome in zip(removable, outcomes, strict=True)
    ]
    names = ["kind", "name", "size", "bytes", "why", "outcome"]
    frame = pd.DataFrame(rows, columns=names)
    if format != "rich":
        console.result(tables.render(frame, format))
    elif rows:
        largest = frame.sort_values("bytes", ascending=False, kind="stable").head(SHOWN)
        columns = [name for name in names if name != "bytes"]
        console.result(tables.render(largest, "rich", columns))
        if len(rows) > SHOWN:
            console.note(f"… and {len(rows) - SHOWN} smaller ones; --format csv shows all")


def _note_what_to_type(removable: list[Item], outcomes: list[str], freed: int, yes: bool) -> None:
    going = [one for one, said in zip(removable, outcomes, strict=True) if said != KEPT]
    kinds = Counter(one.kind for one in going)
    parts = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    if len(going) < len(removable):
        number = len(removable) - len(going)
        console.note(f"{number} may be used by folders that are not known: see --unknown, --item")
    if not going:
        console.note("nothing to remove")
    elif yes:
        console.note(f"removed {outcomes.count('removed')} of {len(going)}: {parts}")
    else:
        again = [word for word in sys.argv[1:] if word != "--dry-run"]
        console.note(
            f"{counted(len(going), 'thing')} ({parts}); removing frees {items.readable(freed)}"
        )
        console.note(
            f"nothing was removed; to remove them: {shlex.join(['harness', *again])} --yes"
        )
