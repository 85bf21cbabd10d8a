"""How a run can end, or why there is none."""

from __future__ import annotations

from typing import Literal, get_args

Status = Literal[
    "completed",
    "unsupported",
    "failed",
    "timeout",
    "out_of_memory",
    "killed",
    "invalid",
    "unavailable",
]
"""Statuses a record can have."""

STATUSES: tuple[str, ...] = (*get_args(Status), "excluded", "pending")
"""Every status a run can have, in the order of counting; the last two exist only in a plan."""

FINISHED: frozenset[str] = frozenset(
    {"completed", "unsupported", "failed", "timeout", "out_of_memory", "invalid"}
)
"""Statuses that the same run would end with again: such runs are not repeated."""
