"""One error class per exit code; `harness.cli` is the only place that turns them into one."""

from __future__ import annotations

FAULT_EXIT_CODE = 1
INTERRUPTED_EXIT_CODE = 130


class HarnessError(Exception):
    """An expected failure. The message says where, what is wrong and what to do.

    `problem` is the message without the `remedy`, where what to do is given by itself.
    """

    exit_code = FAULT_EXIT_CODE

    def __init__(self, problem: str = "", *, remedy: str = "") -> None:
        super().__init__(f"{problem}; {remedy}" if remedy else problem)
        self.problem = problem
        self.remedy = remedy


class UsageError(HarnessError):
    """The command line or the matrix file is wrong."""

    exit_code = 2


class SelectionError(HarnessError):
    """A selection (`--only`) matches nothing."""

    exit_code = 3


class LockError(HarnessError):
    """An environment cannot be locked, or its lock is stale or does not match its bytes."""

    exit_code = 4


class EngineError(HarnessError):
    """The engine is absent, not running, too old, or failed while it should have run something."""

    exit_code = 5


class BuildError(HarnessError):
    """An image or a virtual environment did not build."""

    exit_code = 6


class DataError(HarnessError):
    """A data set cannot be had from any source, or cannot be prepared."""

    exit_code = 6


class IncompleteSweepError(HarnessError):
    """The sweep ended and some runs did not complete; their records say which and why."""

    exit_code = 7


class RecordError(HarnessError):
    """A record is unreadable or of another schema, or a file cannot be written."""

    exit_code = 8


class UnverifiedError(HarnessError):
    """What was found could not be verified, so it is not said to be equal or different."""

    exit_code = 10


class NotReproducibleError(HarnessError):
    """Asked to check, and results that should agree do not."""

    exit_code = 9
