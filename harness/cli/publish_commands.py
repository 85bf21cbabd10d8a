"""`publish`: results as a folder that anybody can open, and as the appendix of a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness import console
from harness.cli import options
from harness.datasets import catalogue
from harness.errors import UsageError
from harness.publish import page_masthead, report, study_files
from harness.publish.appendix import writing
from harness.publish.appendix.facts import KnownData
from harness.publish.page_masthead import Credits
from harness.studies import result_sources


def publish(
    results: options.Sources,
    out: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="OUT", help="The folder to write.")
    ] = None,
    appendix: Annotated[
        Path | None,
        typer.Option(
            "--appendix",
            metavar="FILE",
            help="Write an artifact appendix, with the answers to checklists, from the records: "
            "LaTeX if FILE ends in .tex, else Markdown. It says what records do not say.",
        ),
    ] = None,
    title: Annotated[
        str, typer.Option("--title", metavar="TEXT", help="The page's title; else the matrices.")
    ] = "",
    author: Annotated[
        list[str] | None,
        typer.Option("--author", metavar="NAME", help="Who made them; may be repeated."),
    ] = None,
    license: Annotated[
        str, typer.Option("--license", metavar="URL", help="The licence of the results.")
    ] = "",
    study: Annotated[
        list[Path] | None,
        typer.Option(
            "--study",
            metavar="FILE",
            help="What diff or why found, written with --save; the page shows it. Repeatable.",
        ),
    ] = None,
) -> None:
    """Write results as a folder with a page, tables, the records and a badge; or as an appendix."""
    if out is None and appendix is None:
        raise UsageError("name the folder to write with -o OUT, or a file with --appendix FILE")
    if study and out is None:
        raise UsageError("--study is for the page: name the folder to write with -o OUT")
    studies = [study_files.read(path) for path in study or ()]
    credits = Credits(title=title, authors=tuple(author or ()), licence=license)
    page_masthead.require_url(license)
    with result_sources.opened(results) as folders:
        if appendix is not None:
            writing.check_target([*results, *([out] if out else [])], appendix)
        if out is not None:
            report.check_target(results, out)
        notes = [] if appendix is None else writing.write(folders, appendix, _known_data())
        if out is not None:
            notes = report.publish(folders, out, credits=credits, studies=studies)
    for path in (appendix, out and out / report.PAGE):
        if path is not None:
            console.result(f"{path}\n")
    for note in notes:
        console.note(note)


def _known_data() -> list[KnownData]:
    """The data sets of the catalogue, by what records name of them."""
    return [
        KnownData(title=each.title, sha256=each.sha256, originals=dict(each.originals))
        for each in catalogue.DATA_SETS.values()
    ]
