"""Reading back what really was in force, axis by axis, and comparing it with what was asked.

A reader returns the value in the form a matrix has it, and where the answer comes from. None means
that it cannot be read back, which is never taken as a confirmation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Tuple

from harness.protocol.open_values import OPEN_VALUES
from harness.runner.reply import one_line

if TYPE_CHECKING:
    from harness.runner.run import Run

Finding = Tuple[Any, str]
"""A value in the form a matrix has it, None where it cannot be read back, and how it was read."""
Reader = Callable[["Run"], Finding]
Findings = Dict[str, Dict[str, Any]]


class NotInThisVersion(Exception):
    """A reader's way to say that this version of the framework gives no answer, and why."""


def on_or_off(value: Any) -> str:
    """How a matrix writes a truth."""
    return "on" if value else "off"


def read_back(readers: Mapping[str, Reader], run: Run) -> Tuple[Findings, Dict[str, str]]:
    """Everything asked for, as `{"value": …, "how": …}`, and the errors of readers by axis."""
    findings, errors = {}, {}
    for axis in run.asked:
        try:
            value, how = readers[axis](run)
        except NotInThisVersion as reason:
            value, how = None, "cannot be read back in this version: %s" % reason
        except Exception as error:
            errors[axis] = one_line(error)
            value, how = None, "the reader failed: %s" % errors[axis]
        findings[axis] = {"value": value, "how": how}
    return findings, errors


def mismatches(asked: Dict[str, Any], findings: Findings) -> List[str]:
    """One sentence per axis whose value was read back and is not the one asked for."""
    return [
        "%s: asked %s, found %s (%s)"
        % (axis, value, findings[axis]["value"], findings[axis]["how"])
        for axis, value in sorted(asked.items())
        if value not in OPEN_VALUES
        and findings[axis]["value"] is not None
        and findings[axis]["value"] != value
    ]


def faults(errors: Mapping[str, str]) -> List[str]:
    """One sentence per axis whose reader failed."""
    text = "%s: the reader failed: %s; a fault of the harness"
    return [text % (axis, error) for axis, error in sorted(errors.items())]
