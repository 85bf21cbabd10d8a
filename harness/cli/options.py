"""The arguments and options that several commands share."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from harness import console
from harness.cli import file_kinds
from harness.engines.table import AUTO, NAMES
from harness.errors import UsageError
from harness.matrix import shards
from harness.publish.formats import FORMATS
from harness.publish.views import View

MatrixFile = Annotated[
    Path,
    typer.Argument(
        metavar="MATRIX",
        help="The matrix file (YAML).",
        callback=file_kinds.checked("matrix file"),
    ),
]
ResultsFolder = Annotated[
    Path,
    typer.Argument(
        metavar="DIR", help="A results folder.", callback=file_kinds.checked("results folder")
    ),
]
Sources = Annotated[
    list[Path],
    typer.Argument(
        metavar="DIR|BUNDLE...",
        help="Results folders or bundles, put side by side.",
        callback=file_kinds.all_checked("results folder", "bundle"),
    ),
]
By = Annotated[View, typer.Option("--by", help="What one row is.")]
Ids = Annotated[bool, typer.Option("--ids", help="Name the cells by their ids.")]
Only = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="GLOB",
        help="Only cells of this workload, or whose id matches; may be repeated.",
    ),
]
Again = Annotated[
    list[str] | None,
    typer.Option(
        "--again",
        metavar="GLOB",
        help="These cells although they have records, which are put aside, or one run of them, "
        "GLOB#2; no others without --only. May be repeated.",
    ),
]
Shard = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="NUMBER/COUNT",
        help="Only this part of the cells, such as 3/16; the parts are disjoint and complete.",
    ),
]
Results = Annotated[Path, typer.Option("--results", metavar="DIR", help="The results folder.")]
RESULTS = Path("results")


Engine = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="|".join(NAMES),
        help="auto: Docker if an Engine answers, else local.",
    ),
]
ENGINE = AUTO


def engine_note(asked: str, chosen: str, why: str) -> None:
    """Say which engine runs, to everybody only where it is not the one that contains most."""
    say = console.note if asked == AUTO and chosen != NAMES[1] else console.detail
    say(f"engine: {why}")


def named(engine: str) -> str | None:
    """The engine that was asked for by name, None where any will do."""
    return None if engine == AUTO else engine


def shard(text: str | None) -> shards.Shard | None:
    """The part of the cells that was asked for, None where all were.

    Raises:
        UsageError: the text names no part.
    """
    return None if text is None else shards.parse(text)


class IsolationChoice(str, Enum):
    """Whether a run gets a process of its own."""

    auto = "auto"
    forked = "forked"
    fresh = "fresh"


Isolation = Annotated[
    IsolationChoice,
    typer.Option(
        help="fresh: a process per run; forked: import once, fork per run; auto: forked where "
        "an audit showed that it leaves the same bits."
    ),
]

Tls = Annotated[
    Path | None,
    typer.Option(
        "--tls",
        metavar="DIR",
        envvar="HARNESS_TLS",
        help="The cluster's certificates, as harness worker --new-ca made them.",
    ),
]

Save = Annotated[
    Path | None,
    typer.Option(
        "--save", metavar="FILE", help="Also write it to FILE, for harness publish --study."
    ),
]
Data = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        metavar="FILE",
        help="A data file of a script, found by its SHA-256; may be repeated.",
    ),
]
TrustBundle = Annotated[
    bool,
    typer.Option("--trust-bundle", help="Let its packages and scripts run outside a container."),
]
Timeout = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", help="Kill a run that takes longer.", min=1)
]
Memory = Annotated[
    str, typer.Option("--memory", metavar="SIZE", help="Memory per run, such as 4G.")
]
Format = Annotated[
    str, typer.Option("--format", metavar="FORMAT", help=f"One of {', '.join(FORMATS)}.")
]

TIMEOUT = 1800.0
MEMORY = "4G"

_SIZE = re.compile(r"^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$", re.IGNORECASE)
_FACTORS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def bytes_of(size: str) -> int:
    """The number of bytes in a size such as `512M` or `4G` (powers of 1024)."""
    match = _SIZE.match(size.strip())
    if match is None:
        raise UsageError(f"--memory {size!r} is not a size; write 512M or 4G")
    size_in_bytes = int(float(match[1]) * _FACTORS[match[2].upper()])
    if size_in_bytes < 1:
        raise UsageError(f"--memory {size!r} is too little to run anything; write 512M or 4G")
    return size_in_bytes


def check_format(name: str) -> str:
    """The format, if there is one of this name."""
    if name not in FORMATS:
        raise UsageError(f"--format {name!r} is not known; choose one of {', '.join(FORMATS)}")
    return name
