"""The reference workloads: what their files in `harness/runner/workloads` say of themselves.

No file of a workload imports its framework before it is to build a model, so the host reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from harness.errors import UsageError
from harness.protocol.axes import Axis
from harness.protocol.subject import Subject
from harness.runner import workloads

SUBJECTS: Final[Mapping[str, Subject]] = {
    name: workloads.subject(name) for name in workloads.names()
}


def get(name: str) -> Subject:
    """The subject of this name.

    Raises:
        UsageError: there is none.
    """
    if name not in SUBJECTS:
        raise UsageError(f"no workload {name!r}; there are {', '.join(SUBJECTS)}")
    return SUBJECTS[name]


def with_names(axis: Axis) -> Axis:
    """The axis with every word that it allows: `workload` allows the names of subjects."""
    return replace(axis, words=tuple(SUBJECTS)) if axis.name == "workload" else axis
