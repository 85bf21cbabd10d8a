"""What tests of `clean` share: its answer, and a process that runs beside it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from harness.cli import upkeep_commands


def cleaned(capsys: pytest.CaptureFixture[str], **asked: Any) -> list[dict[str, Any]]:
    """What `clean` prints as JSON."""
    upkeep_commands.clean(format="json", **asked)
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


@contextlib.contextmanager
def running(program: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process with this program, whose standard output can be read; killed at the end."""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()
