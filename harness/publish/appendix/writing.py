"""From results folders to the file of an artifact appendix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.analysis import claim_table, claimed_cells
from harness.analysis.cell_table import by_cell
from harness.analysis.merging import NOTHING_PLANNED
from harness.errors import UsageError
from harness.protocol import files, untrusted
from harness.publish import sweep_sources
from harness.publish.appendix import document, facts
from harness.publish.appendix.facts import KnownData
from harness.publish.appendix.sections import sections

LATEX = ".tex"
_MARKDOWN = (".md", ".markdown", ".txt", "")
_FIRST = 200


def write(folders: Sequence[Path], target: Path, data: Sequence[KnownData]) -> list[str]:
    """Write the appendix of these results; returns what is to be said about it.

    LaTeX where the name ends in `.tex`, else Markdown. The same records give the same bytes,
    whatever the folders' names and order.

    Raises:
        UsageError: there are no results, nothing is recorded, or the file cannot be written.
        RecordError: a record or plan cannot be read.
    """
    if target.suffix not in (LATEX, *_MARKDOWN):
        raise UsageError(
            f"--appendix {target}: an appendix is LaTeX or Markdown",
            remedy="let the name end in .tex or .md",
        )
    text, notes = _text(folders, data, target.suffix == LATEX)
    try:
        files.write_text(target, text)
    except OSError as error:
        raise UsageError(f"--appendix {target}: cannot be written: {error.strerror}") from error
    return notes


def _text(
    folders: Sequence[Path], data: Sequence[KnownData], as_latex: bool
) -> tuple[str, list[str]]:
    merged = sweep_sources.merge(folders)
    said = facts.read(merged)
    if not said.matrices:
        raise UsageError(NOTHING_PLANNED)
    if not said.programs:
        raise UsageError("no run was recorded in these folders, so there is nothing to say")
    cells = by_cell(merged.runs)
    sweeps = (source.sweep for source in sweep_sources.sources(merged))
    claims = claim_table.of_cells(cells, claimed_cells.read(sweeps))
    blocks = sections(said, merged.runs, cells, claims, data)
    shown = document.to_latex(blocks) if as_latex else document.to_markdown(blocks)
    return shown, list(merged.notes)


def check_target(folders: Sequence[Path], target: Path) -> None:
    """Refuse a place where it cannot be written, in one of `folders`, or where something else is.

    Raises:
        UsageError: it is such a place.
    """
    place = target.resolve()
    if target.is_dir():
        raise UsageError(f"--appendix {target}: is a folder; name a file, such as appendix.md")
    if not place.parent.is_dir():
        raise UsageError(f"--appendix {target}: {target.parent}: no such folder; make it first")
    if any(folder.resolve() in place.parents for folder in folders):
        raise UsageError(
            f"--appendix {target}: lies in the results, or in the folder of the page; name a file "
            "beside them"
        )
    if target.exists() and document.MARK not in _beginning(target):
        raise UsageError(
            f"--appendix {target}: is there, and no appendix of this program; name another file, "
            "or delete it"
        )


def _beginning(target: Path) -> str:
    try:
        with untrusted.open_regular(target, follow_links=True) as file:
            return file.read(_FIRST).decode("utf-8", "replace")
    except OSError:
        return ""
