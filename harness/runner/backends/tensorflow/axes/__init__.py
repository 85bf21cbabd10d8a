"""One module per axis, named like it, with both directions.

`read(run)` returns what was in force. `apply(value, run)` puts the value in force, at the stage of
the run that the module's STAGE names; an axis that the host applies, by environment variables or
the CPU set, has neither. `end(run)` undoes what is to last as long as the training.
"""

from __future__ import annotations

import sys
from typing import Any, Dict

from harness.runner import discovery
from harness.runner.run import Run

_PACKAGE = sys.modules[__name__]
_AXES: Dict[str, Any] = {
    name: discovery.module(_PACKAGE, name) for name in discovery.names(_PACKAGE)
}


def apply(stage: int, run: Run) -> None:
    """Apply every axis of a stage that was asked for."""
    for name, axis in _AXES.items():
        if name in run.asked and getattr(axis, "STAGE", None) == stage:
            axis.apply(run.asked[name], run)


def end(run: Run) -> None:
    """The training is over: end what it was to end with."""
    for axis in _AXES.values():
        if hasattr(axis, "end"):
            axis.end(run)


def readers() -> Dict[str, Any]:
    """What reads each axis back."""
    return {name: axis.read for name, axis in _AXES.items()}
