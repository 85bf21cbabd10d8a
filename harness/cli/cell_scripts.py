"""The users' scripts of recorded cells, ready to run again for a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.engines.protocol import Engine
from harness.errors import UsageError
from harness.matrix.cells import Cell
from harness.protocol.script import Script
from harness.studies import foreign_scripts
from harness.studies.named_cells import Side
from harness.studies.record_cells import script_of
from harness.subjects import uncontained_runs


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """What the command line allows: data files, and scripts of others outside of a container."""

    data: Sequence[Path] = ()
    trusted: bool = False


def ready(
    sides: Sequence[Side], cells: Sequence[Cell], allowed: Allowed, engine: Engine
) -> Mapping[str, Script]:
    """The scripts of these cells by workload, with their files where processes find them.

    Raises:
        UnknownCellError: a record does not say enough of its script.
        UsageError: the sides are of two scripts of one name, files are missing, or a script never
            ran here outside of a container, is not trusted, and the engine contains nothing.
    """
    found: dict[str, Script] = {}
    # Two folders may have a matrix of one name.
    folders = {str(side.sweep.folder.parent): side.sweep.folder.parent for side in sides}
    scripts = foreign_scripts.gathered(folders, allowed.data)
    scripts.note_unasked(script_of(side.records[0]) for side in sides)
    for side, cell in zip(sides, cells, strict=True):
        script = script_of(side.records[0])
        if script is None:
            continue
        matrix = str(side.sweep.folder.parent)
        obstacle = scripts.obstacle(matrix, script)
        if obstacle:
            raise UsageError(f"{side.cell}: {obstacle}")
        known = allowed.trusted or engine.contains or uncontained_runs.has(script, cell.settings)
        if not known:
            raise UsageError(_consent(side, script))
        if found.setdefault(script.name, script).sha256 != script.sha256:
            raise UsageError(
                f"{foreign_scripts.title(script)}: A and B are of two versions of it, or of its"
                " data or arguments; name two cells of one"
            )
        scripts.bring(matrix, script)
    return found


def _consent(side: Side, script: Script) -> str:
    return (
        f"{side.cell}: its script, {foreign_scripts.title(script)}, comes with the results and"
        " never ran here outside of a container; the local engine would run it as you, with your"
        " files in reach. Take --engine docker, or, if you trust who made it, --trust-bundle"
    )
