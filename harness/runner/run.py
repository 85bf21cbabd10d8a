"""What is known of a run while it goes on, for those who read its settings back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

from harness.runner.importing import Imported

Finding = Tuple[Any, str]
"""A value in the form a matrix has it, None where it cannot be read back, and how it was read."""


@dataclass
class Run:
    """Filled as the run goes on, so that a failed run has some.

    `asked` holds every axis, the versions and the device, `variables` those that the host set.
    `had_begun` says whether TensorFlow had run before anything was set (None: nothing was set
    yet), `threads` how many threads there were once it was. `seeded` names the generators found
    to have the seed right after seeding. `used` holds values by axis, `fit` what `model.fit` got,
    `fed` the batch size of a pipeline, and `steps` the steps of an epoch.
    """

    asked: Dict[str, Any]
    imported: Imported
    variables: Dict[str, str]
    had_begun: Optional[bool] = None
    threads: Optional[int] = None
    used: Dict[str, Any] = field(default_factory=dict)
    fit: Dict[str, Any] = field(default_factory=dict)
    fed: Optional[int] = None
    steps: Optional[int] = None
    seeded: Optional[List[str]] = None
    model: Any = None


def word(value: Any) -> str:
    """How a matrix writes a truth."""
    return "on" if value else "off"
