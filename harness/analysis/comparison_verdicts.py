"""What a comparison of two cells can come to."""

from __future__ import annotations

VERDICTS = (
    "different",
    "unstable here",
    "identical",
    "only here",
    "only in baseline",
    "nowhere",
)
"""In the order in which they are shown."""

COMPARABLE = VERDICTS[:3]
FAILING = VERDICTS[:2]
"""What `--check` does not let pass."""

NOT_ASKED = "not asked for"
"""Why a side has nothing, where its matrix does not have the cell; `on MACHINE` follows."""
