"""`publish`: results as a folder that anybody can open."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness import console
from harness.cli import options
from harness.publish import page_masthead, report
from harness.publish.page_masthead import Credits
from harness.studies import result_sources


def publish(
    results: options.Sources,
    out: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help="The folder to write.")
    ],
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
) -> None:
    """Write results as a folder with a page, tables, the records and a badge."""
    credits = Credits(title=title, authors=tuple(author or ()), licence=license)
    page_masthead.require_url(license)
    with result_sources.opened(results) as folders:
        report.check_target(results, out)
        notes = report.publish(folders, out, credits=credits)
    console.result(f"{out / report.PAGE}\n")
    for note in notes:
        console.note(note)
