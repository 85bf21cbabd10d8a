"""The documents say what the program says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import document_output
import pytest
from commands import harness
from document_output import DOCUMENTS, ROOT, text_of

from harness import errors
from harness.matrix import cells, reading
from harness.matrix.text import Problems
from harness.publish import reference_tables

README = text_of(ROOT / "README.md")
COMMAND_LINE = text_of(ROOT / "harness" / "cli" / "README.md")
MATRICES = text_of(ROOT / "matrices" / "README.md")
RESULTS = text_of(ROOT / "results" / "README.md")
RENEW = "PYTHONPATH=tests python tests/document_output.py writes it anew"


@pytest.mark.parametrize(
    ("table", "document"),
    [(reference_tables.axes, MATRICES), (reference_tables.columns, RESULTS)],
    ids=["axes", "columns"],
)
def test_the_reference_tables_are_current(table: Callable[[], str], document: str) -> None:
    assert table() in document, RENEW


@pytest.mark.slow
@pytest.mark.parametrize(("command", "shown"), document_output.commands())
def test_the_tables_of_shipped_results_are_what_is_printed(command: str, shown: str) -> None:
    assert shown == document_output.printed(command), RENEW


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_table_says_where_it_comes_from(document: Path) -> None:
    """Each is compared above, or is of results that are not shipped."""
    parts = re.split(r"^```\w*\n", text_of(document), flags=re.MULTILINE)
    for before, block in zip(parts[::2], parts[1::2], strict=False):
        if "────" in block and "▼" not in block:
            above = before.strip().splitlines()[-1]
            assert above.startswith(("<!-- prints: harness ", "<!-- not shipped")), block


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_the_example_matrix_is_right_and_has_what_the_text_says() -> None:
    example = next(
        text
        for text in re.findall(r"```yaml\n(.*?)```", MATRICES, re.DOTALL)
        if "name: example" in text
    )
    problems = Problems()
    matrix = reading.parse(example, problems)
    assert matrix is not None, problems.found
    statuses = [cell.status for cell in cells.cells(matrix)]
    assert "excluded" in statuses and "unavailable" in statuses and None in statuses


def test_every_command_is_listed() -> None:
    said = harness("--help").out
    commands = re.findall(r"^  ([a-z]+)  ", said, re.MULTILINE)
    assert {"init", "run", "table"} <= set(commands)
    rows = [line for line in COMMAND_LINE.splitlines() if line.startswith("| `harness ")]
    assert all(any(f"`harness {name}" in row for row in rows) for name in commands)


def test_every_exit_code_is_listed() -> None:
    codes = {kind.exit_code for kind in errors.HarnessError.__subclasses__()}
    listed = set(re.findall(r"^\| (\d+) \|", COMMAND_LINE, re.MULTILINE))
    assert {str(code) for code in codes} <= listed
    assert {str(errors.FAULT_EXIT_CODE), str(errors.INTERRUPTED_EXIT_CODE)} <= listed


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(document: Path) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", text_of(document)):
        if ":" in link:
            continue
        name, _, heading = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        assert target.exists(), link
        assert not heading or heading in anchors(target), link


def anchors(document: Path) -> set[str]:
    """What the headings of a Markdown file are called in links, where people browse it."""
    headings = re.findall(r"^#+ (.+)$", text_of(document), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


def test_links_that_lead_nowhere_are_noticed(tmp_path: Path) -> None:
    document = tmp_path / "README.md"
    document.write_text("# One: `two`\n[right](#one-two) [wrong](#three)\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="#three"):
        test_links_lead_to_files_and_headings(document)
