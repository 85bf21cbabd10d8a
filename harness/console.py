"""All printing: results go to standard output, notes and progress to standard error."""

from __future__ import annotations

import codecs
import io
import sys

from rich.console import Console

results = Console(highlight=False, soft_wrap=True)
notes = Console(stderr=True, highlight=False, soft_wrap=True)

_verbosity = 0

_LOOKALIKES = str.maketrans(
    {"─": "-", "│": "|", "·": "-", "×": "x", "…": "~", "°": "*", "Δ": "d", "→": ">", "–": "-"}
)


def accept_any_text() -> None:
    """From now on a terminal that knows few characters is shown others in their place."""
    codecs.register_error("harness-lookalikes", _lookalikes)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="harness-lookalikes")


def _lookalikes(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    plain = error.object[error.start : error.end].translate(_LOOKALIKES)
    return plain.encode("ascii", "backslashreplace").decode("ascii"), error.end


def set_verbosity(level: int) -> None:
    """From now on: -1 no notes, 0 notes, 1 details as well."""
    global _verbosity  # noqa: PLW0603 - the terminal is one for the whole process, too
    _verbosity = level


def is_quiet() -> bool:
    """Whether nothing but results and errors is printed."""
    return _verbosity < 0


def is_verbose() -> bool:
    """Whether details are printed."""
    return _verbosity > 0


def note(text: str) -> None:
    """One line for the person at the terminal; never part of the result."""
    if not is_quiet():
        notes.print(text, markup=False)


def detail(text: str) -> None:
    """A note for those who asked for more of them."""
    if is_verbose():
        note(text)


def result(text: str) -> None:
    """A finished text, such as a table or JSON, exactly as it is: no markup, emoji or folding."""
    results.file.write(text)
    results.file.flush()


def error(text: str) -> None:
    """An expected failure, said once, just before the program exits."""
    notes.print(f"error: {text}", markup=False, style="bold red")
