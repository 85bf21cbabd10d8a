"""`publish`: results as a folder that anybody can open."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness import console
from harness.publish import report


def publish(
    folders: Annotated[list[Path], typer.Argument(metavar="DIR…", help="Results folders.")],
    out: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help="The folder to write.")
    ],
    title: Annotated[
        str, typer.Option("--title", metavar="TEXT", help="The page's title; else the matrices.")
    ] = "",
) -> None:
    """Write results as a folder with a page, tables, the records and a badge."""
    notes = report.publish(folders, out, title)
    console.result(f"{out / report.PAGE}\n")
    for note in notes:
        console.note(note)
