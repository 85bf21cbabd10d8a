"""All subprocesses the host starts, other than the runs themselves."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.protocol import untrusted

_TAIL_LINES = 20
NOT_STARTED = 127
"""The status of a command that could not be started, as shells give it."""


class ProcessFailedError(Exception):
    """A command ended with a non-zero status. `output` is what it printed, both streams."""

    def __init__(self, command: Sequence[str], code: int, output: str) -> None:
        super().__init__(f"{command[0]} ended with status {code}: {_tail(output)}")
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
        with untrusted.open_log(log) as file:
            file.write(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}".encode())
    if done.returncode:
        raise ProcessFailedError(command, done.returncode, done.stdout + done.stderr)
    return done.stdout


def _tail(text: str) -> str:
    return "\n".join(text.splitlines()[-_TAIL_LINES:])
