"""All printing: results go to standard output, notes and progress to standard error."""

from __future__ import annotations

from rich.console import Console

results = Console(highlight=False, soft_wrap=True)
notes = Console(stderr=True, highlight=False, soft_wrap=True)


def note(text: str) -> None:
    """One line for the person at the terminal; never part of the result."""
    notes.print(text, markup=False)


def result(text: str) -> None:
    """A finished text, such as a table or JSON, exactly as it is: no markup, emoji or folding."""
    results.file.write(text)
    results.file.flush()


def error(text: str) -> None:
    """An expected failure, said once, just before the program exits."""
    notes.print(f"error: {text}", markup=False, style="bold red")
