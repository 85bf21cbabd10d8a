"""A YAML file that somebody wrote: its text, and its problems, all at once and with positions."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path

from harness.errors import UsageError
from harness.matrix import text
from harness.matrix.text import Problem
from harness.protocol import untrusted

SHOWN = 200
_EXAMPLES = 3
_NONE_THERE = "harness init writes one"
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
    except FileNotFoundError as error:
        raise UsageError(f"{path}: there is no such {what}", remedy=_what_there_is(path)) from error
    except OSError as error:
        raise UsageError(f"{path}: cannot read this {what}: {error.strerror}") from error
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


def _what_there_is(path: Path) -> str:
    """The files beside it with names like it, else all YAML files there, else how to get one."""
    there = [*path.parent.glob("*.y*ml"), *path.parent.glob("matrices/*.y*ml")]
    by_stem = {each.stem: each for each in sorted(there)}
    near = difflib.get_close_matches(path.stem, by_stem, n=_EXAMPLES) or list(by_stem)[:_EXAMPLES]
    return f"there is {', '.join(str(by_stem[one]) for one in near)}" if near else _NONE_THERE
