"""`publish`: results as a folder that anybody can open."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness import console
from harness.cli import options
from harness.publish import report
from harness.studies import result_sources


def publish(
    results: options.Sources,
    out: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help="The folder to write.")
    ],
    title: Annotated[
        str, typer.Option("--title", metavar="TEXT", help="The page's title; else the matrices.")
    ] = "",
) -> None:
    """Write results as a folder with a page, tables, the records and a badge."""
    with result_sources.opened(results) as folders:
        report.check_target(results, out)
        notes = report.publish(folders, out, title)
    console.result(f"{out / report.PAGE}\n")
    for note in notes:
        console.note(note)
