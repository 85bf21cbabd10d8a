"""The README says what the program says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from commands import harness

from harness import errors
from harness.matrix import cells, reading
from harness.matrix.text import Problems
from harness.publish import reference_tables

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "table", [reference_tables.axes, reference_tables.columns], ids=lambda f: f.__name__
)
def test_the_reference_tables_are_current(table: object) -> None:
    assert callable(table)
    assert table() in README, "put the output of `harness reference` into the README"


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
    assert len(commands) >= 9
    assert all(f"`harness {name}" in README for name in commands)


def test_every_exit_code_is_listed() -> None:
    codes = {kind.exit_code for kind in errors.HarnessError.__subclasses__()}
    listed = set(re.findall(r"^\| (\d+) \|", README, re.MULTILINE))
    assert {str(code) for code in codes} <= listed
    assert str(errors.INTERRUPTED_EXIT_CODE) in listed


def test_links_lead_to_files() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert links
    assert all((ROOT / link).exists() for link in links)
