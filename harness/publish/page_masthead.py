"""What stands over and under the page: title, date, program, machines, people, and how to cite it.

The date is that of the newest record, so that the same records give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata

import harness
from harness.errors import UsageError
from harness.publish.cell_details import CellDetails

_PROGRAM = "reproducibility-harness"
_URL = re.compile(r"https?://[^\s<>\"]+")


@dataclass(frozen=True, kw_only=True)
class Credits:
    """What only people know: what to call the page, its authors, and the licence (a URL)."""

    title: str = ""
    authors: tuple[str, ...] = ()
    licence: str = ""


@dataclass(frozen=True, kw_only=True)
class Masthead:
    """What is said of the page as a whole; `date` is `2026-11-20`, or "" where no record has one.

    `versions` are those of the program that wrote the records, `version` the one that wrote this.
    """

    title: str
    date: str
    versions: tuple[str, ...]
    version: str
    program: str
    program_url: str
    machines: tuple[tuple[str, str], ...]
    authors: tuple[str, ...]
    licence: str
    citation: str
    bibtex: str


def require_url(licence: str) -> None:
    """Refuse a licence that is no URL.

    Raises:
        UsageError: it is none.
    """
    if licence and not _URL.fullmatch(licence):
        raise UsageError(
            f"--license {licence!r} is no URL; "
            "write https://creativecommons.org/licenses/by/4.0/ for example"
        )


def of_page(
    matrices: Sequence[str], machines: Mapping[str, str], details: CellDetails, credits: Credits
) -> Masthead:
    """The masthead of a page of these matrices; `machines` are names with words."""
    title = credits.title or " · ".join(matrices)
    date = details.newest.date().isoformat() if details.newest else ""
    return Masthead(
        title=title,
        date=date,
        versions=tuple(sorted(details.versions)),
        version=harness.__version__,
        program=_PROGRAM,
        program_url=_program_url(),
        machines=tuple(sorted(machines.items())),
        authors=credits.authors,
        licence=credits.licence,
        citation=_citation(title, date, credits),
        bibtex=_bibtex(title, date, credits),
    )


def _program_url() -> str:
    """Where the program says that it is to be had; "" where it was not installed, or says none."""
    try:
        said = metadata.metadata(_PROGRAM).get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        return ""
    urls = [str(line).partition(", ")[2] for line in said]
    return next((url for url in urls if _URL.fullmatch(url)), "")


def _citation(title: str, date: str, credits: Credits) -> str:
    """`A. Author (2026): Title. Trainings until 2026-11-20, measured with …`"""
    year = f" ({date[:4]})" if date else ""
    people = "; ".join(credits.authors)
    start = f"{people}{year}: {title}" if people else f"{title}{year}"
    until = f"Trainings until {date}, measured" if date else "Measured"
    return f"{start}. {until} with {_PROGRAM} {harness.__version__}."


def _bibtex(title: str, date: str, credits: Credits) -> str:
    fields = {
        "author": " and ".join(credits.authors),
        "title": f"{{{title}}}",
        "year": date[:4],
        "note": f"Measured with {_PROGRAM} {harness.__version__}"
        + (f", trainings until {date}" if date else ""),
    }
    lines = [f"  {name} = {{{_plain(text)}}},\n" for name, text in fields.items() if text]
    return f"@misc{{training-reproducibility,\n{''.join(lines)}}}"


def _plain(text: str) -> str:
    """The text without what would end the entry: braces stay in pairs."""
    return text if text.count("{") == text.count("}") else re.sub(r"[{}]", "", text)
