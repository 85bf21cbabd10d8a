"""What an exit code says about who ended a process; the same for every engine."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Literal

from harness.engines.protocol import Outcome

FROM_ELSEWHERE = frozenset(
    {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT}
)
"""Signals that somebody sends. The others (SIGSEGV, SIGABRT, SIGILL…) are the process's own crash,
which another run would repeat."""


def cause(exit_code: int) -> Literal["exited", "killed"]:
    """`killed` for a signal from elsewhere, `exited` for everything else, crashes too."""
    return "killed" if exit_code < 0 and -exit_code in FROM_ELSEWHERE else "exited"


def never_started() -> Outcome:
    """The outcome of an order that came after `cancel`."""
    return Outcome(cause="killed", exit_code=-signal.SIGKILL, seconds=0.0)


def limited(outcome: Outcome, reason: str) -> Outcome:
    """The outcome of an order that was ended because it passed a limit, which `reason` names."""
    return replace(outcome, cause="killed", reason=reason)


def from_shell(code: int) -> int:
    """The exit code as `subprocess` has it, from a shell's or container's 128 + signal."""
    number = code - 128
    return -number if number in signal.valid_signals() else code
