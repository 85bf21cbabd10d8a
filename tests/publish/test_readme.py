"""The README says what the program says."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import readme_output
from commands import harness

from harness import errors
from harness.matrix import cells, reading
from harness.matrix.text import Problems
from harness.publish import reference_tables

ROOT = readme_output.ROOT
README = readme_output.README.read_text(encoding="utf-8")
RENEW = "PYTHONPATH=tests python tests/readme_output.py writes it anew"


@pytest.mark.parametrize(
    "table", [reference_tables.axes, reference_tables.columns], ids=lambda f: f.__name__
)
def test_the_reference_tables_are_current(table: Callable[[], str]) -> None:
    assert table() in README, RENEW


@pytest.mark.slow
@pytest.mark.parametrize(("command", "shown"), readme_output.commands(README))
def test_the_tables_of_shipped_results_are_what_is_printed(command: str, shown: str) -> None:
    assert shown == readme_output.printed(command), RENEW


def test_every_table_says_where_it_comes_from() -> None:
    """Each is compared above, or is of results that are not shipped."""
    parts = re.split(r"^```\w*\n", README, flags=re.MULTILINE)
    for before, block in zip(parts[::2], parts[1::2], strict=False):
        if "────" in block:
            above = before.strip().splitlines()[-1]
            assert above.startswith(("<!-- prints: harness ", "<!-- not shipped")), block


def test_the_example_matrix_is_right_and_has_what_the_text_says() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    problems = Problems()
    matrix = reading.parse(example, problems)
    assert matrix is not None, problems.found
    statuses = [cell.status for cell in cells.cells(matrix)]
    assert "excluded" in statuses and "unavailable" in statuses and None in statuses


def test_every_command_is_listed() -> None:
    said = harness("--help").out
    commands = re.findall(r"^  ([a-z]+)  ", said, re.MULTILINE)
    assert {"init", "run", "table"} <= set(commands)
    assert all(f"`harness {name}" in README for name in commands)


def test_every_exit_code_is_listed() -> None:
    codes = {kind.exit_code for kind in errors.HarnessError.__subclasses__()}
    listed = set(re.findall(r"^\| (\d+) \|", README, re.MULTILINE))
    assert {str(code) for code in codes} <= listed
    assert {str(errors.FAULT_EXIT_CODE), str(errors.INTERRUPTED_EXIT_CODE)} <= listed


def test_links_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert all((ROOT / link).exists() for link in links)
