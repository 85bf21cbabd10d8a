"""All subprocesses the host starts, other than the runs themselves."""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

TAIL_LINES = 20
NOT_STARTED = 127
"""The status of a command that could not be started, as shells give it."""


class ProcessFailedError(Exception):
    """A command ended with a non-zero status. `output` is what it printed, both streams."""

    def __init__(self, command: Sequence[str], code: int, output: str) -> None:
        super().__init__(f"{command[0]} ended with status {code}: {tail(output)}")
        self.code = code
        self.output = output


def run(
    command: Sequence[str],
    *,
    variables: Mapping[str, str] | None = None,
    log: Path | None = None,
    stdin: str | None = None,
    cwd: Path | None = None,
) -> str:
    """Run `command` to its end and return its standard output.

    `variables` replaces the environment; `log` gets both streams appended.

    Raises:
        ProcessFailedError: the command could not be started, or ended with a non-zero status.
    """
    try:
        done = subprocess.run(
            list(command),
            env=None if variables is None else dict(variables),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=cwd,
            check=False,
        )
    except OSError as error:
        said = f"{error.filename or command[0]}: cannot be started: {error.strerror}"
        raise ProcessFailedError(command, NOT_STARTED, said) from error
    if log is not None:
        with log.open("a", encoding="utf-8") as file:
            file.write(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}")
    if done.returncode:
        raise ProcessFailedError(command, done.returncode, done.stdout + done.stderr)
    return done.stdout


def tail(text: str, lines: int = TAIL_LINES) -> str:
    """The last lines of a text."""
    return "\n".join(deque(text.splitlines(), maxlen=lines))


def tail_of(path: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log file, "" where it does not exist."""
    if not path.exists():
        return ""
    with path.open(encoding="utf-8", errors="replace") as file:
        return "".join(deque(file, maxlen=lines)).rstrip("\n")
