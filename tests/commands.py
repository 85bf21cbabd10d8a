"""The program as people start it: a process, its exit code, what it prints."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.cli import app, failures

PROGRAM = (sys.executable, "-c", "from harness.cli import main; main()")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A command that ended."""

    code: int
    out: str
    err: str


def harness(
    *arguments: str | Path, cwd: Path | None = None, variables: Mapping[str, str] | None = None
) -> Ended:
    """Run `harness ARGUMENTS` to its end, with more variables than this process has."""
    done = subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, **(variables or {})},
        check=False,
    )
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr)


def called(capture: pytest.CaptureFixture[str], *arguments: str | Path) -> Ended:
    """The same within this process, which has the program's modules already."""
    capture.readouterr()
    try:
        result = app([str(one) for one in arguments], standalone_mode=False)
        code = result if isinstance(result, int) else 0
    except Exception as error:
        code = failures.report(error)
    printed = capture.readouterr()
    return Ended(code=code, out=printed.out, err=printed.err)


def start(
    *arguments: str | Path, variables: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start `harness ARGUMENTS` and leave it running, with more variables than this process has."""
    return subprocess.Popen(
        [*PROGRAM, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(variables or {})},
    )
