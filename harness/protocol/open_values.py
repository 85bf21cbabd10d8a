"""The values of settings that ask for nothing in particular."""

from __future__ import annotations

DEFAULT = "default"
"""The value that leaves a setting as TensorFlow, or the workload, has it."""

OPEN_VALUES = (DEFAULT, "auto")
"""Nothing that is found can differ from one of these."""
