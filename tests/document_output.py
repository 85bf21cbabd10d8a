"""The parts of the documents that commands print: found, compared, and written anew.

A part stands below a comment that says `prints: COMMAND`. `python tests/document_output.py` writes
them all.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from commands import harness

import harness as harness_package
from harness.publish import reference_tables as reference

ROOT = Path(__file__).parents[1]
DOCUMENTS = tuple(
    ROOT / name
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "dockerfiles/README.md",
        "harness/README.md",
        "harness/cli/README.md",
        "matrices/README.md",
        "results/README.md",
        "results/article/README.md",
        "results/hardware/README.md",
        "results/reference/README.md",
        "tests/README.md",
    )
)

_PRINTED = re.compile(
    r"(?<=<!-- prints: )harness (.+?)( -->\n\n?```\w*\n)(.*?)(?=```\n)", re.DOTALL
)
_REFERENCE = re.compile(r"(?<=<!-- )(axes|columns)(: harness reference -->\n\n)((?:\|.*\n)+)")
_CLAIMS = re.compile(r"(?<=<!-- claims: )(\S+)( -->\n\n)((?:\|.*\n)+)")
_TABLES: Mapping[str, Callable[[], str]] = {
    "axes": reference.axes,
    "columns": reference.columns,
}


def text_of(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def commands() -> list[tuple[str, str]]:
    """Every command whose output a document shows, and what it shows."""
    texts = map(text_of, DOCUMENTS)
    return [(match[1], match[3]) for text in texts for match in _PRINTED.finditer(text)]


def printed(command: str) -> str:
    """What a command of a document prints, called at the root of a checkout."""
    ended = harness(*shlex.split(command), cwd=ROOT, variables={"COLUMNS": "100"})
    assert ended.code == 0, ended
    return ended.out


def claims(folder: str) -> str:
    """The verdicts on the claims of a results folder: a row per claim, workloads by verdict."""
    table = harness_package.claims(ROOT / folder)
    rows = ["| claim | verdict |", "|---|---|"]
    for says, part in table.groupby("says", sort=False, observed=True):
        verdicts = part.groupby("verdict", sort=False, observed=True)
        words = (
            f"**{name}**: {', '.join(map(_counted, its.itertuples()))}" for name, its in verdicts
        )
        rows.append(f"| {says} | {'; '.join(words)} |")
    return "\n".join(rows) + "\n"


def _counted(row: Any) -> str:
    """The workload, and in how many of the cells or pairs that were tried the claim held."""
    return f"{row.workload} ({row.held}/{row.tried})" if row.tried else str(row.workload)


def renewed(text: str) -> str:
    """A document with every such part as it is printed today."""
    text = _CLAIMS.sub(lambda match: match[1] + match[2] + claims(match[1]), text)
    text = _REFERENCE.sub(lambda match: match[1] + match[2] + _TABLES[match[1]](), text)
    return _PRINTED.sub(lambda match: f"harness {match[1]}{match[2]}{printed(match[1])}", text)


if __name__ == "__main__":
    for each in DOCUMENTS:
        each.write_text(renewed(text_of(each)), encoding="utf-8")
