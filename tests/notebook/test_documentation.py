"""What the documentation of the interface shows is what it does, on the shipped results."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from harness import plots
from harness.notebook import arrays, class_grid, tables

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("module", [tables, arrays, class_grid, plots])
def test_the_examples_of_functions_print_what_they_show(
    module: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    found = doctest.testmod(module)  # type: ignore[arg-type]
    assert found.attempted >= 3 and found.failed == 0


def test_the_examples_of_the_document_print_what_they_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    text = (ROOT / "results" / "README.md").read_text("utf-8")
    section = text.partition("\n## In Python\n")[2].partition("\n## ")[0].replace("```\n", "\n")
    example = doctest.DocTestParser().get_doctest(section, {}, "In Python", "results/README.md", 0)
    assert len(example.examples) >= 8
    assert doctest.DocTestRunner().run(example).failed == 0
