"""A YAML file that somebody wrote: its text, and its problems, all at once and with positions."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.errors import UsageError
from harness.matrix import text
from harness.matrix.text import Problem
from harness.protocol import untrusted

SHOWN = 200
"""So many problems are written out; nobody reads more."""


class FileProblemsError(UsageError):
    """A file with problems; the message has one `file:line:column: what` per problem."""

    def __init__(self, path: Path, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        count = len(self.problems)
        lines = [f"{path}:{p.line}:{p.column}: {p.message}" for p in self.problems[:SHOWN]]
        if count > SHOWN:
            lines.append(f"… and {count - SHOWN:,} more")
        head = f"{path} has {count} problem{'s' if count > 1 else ''}"
        super().__init__("\n".join([head, *lines]))


def text_of(path: Path, what: str) -> str:
    """The text of a file; `what` it is, such as "matrix file", stands in errors.

    Raises:
        UsageError: it cannot be read.
        FileProblemsError: it is no text.
    """
    try:
        with untrusted.open_regular(path, follow_links=True) as file:
            data = file.read(4 * text.MAX_CHARACTERS + 1)
        # As everywhere, the ends of lines are those of this file's own system.
        return data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        why = f"cannot read this {what}: {error.strerror}"
        raise UsageError(f"{path}: {why}") from error
    except UnicodeDecodeError as error:
        if error.start > 4 * text.MAX_CHARACTERS - 4:
            return data.decode("utf-8", "replace")  # cut in the middle of a character
        line, column = text.position(data, error.start)
        problem = Problem(
            line=line + 1,
            column=column + 1,
            message="this is not UTF-8 text; save the file as UTF-8",
        )
        raise FileProblemsError(path, [problem]) from error
