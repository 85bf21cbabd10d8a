"""The reference workloads: what their files in `harness/runner/workloads` say of themselves.

No file of a workload imports its framework before it is to build a model, so the host reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


def with_names(axis: Axis, scripts: Iterable[str] = ()) -> Axis:
    """The axis with every word that it allows: `workload` allows the names of what can be trained.

    `scripts` are the names of the scripts that a matrix brings.
    """
    return replace(axis, words=(*SUBJECTS, *scripts)) if axis.name == "workload" else axis


def is_script(workload: str) -> bool:
    """Whether a workload is a user's script: whatever is not the name of a reference workload."""
    return workload not in SUBJECTS
