"""The formats that a table can have; apart, as naming them should not take the time to make one."""

from __future__ import annotations

from typing import Literal, get_args

Format = Literal["rich", "csv", "json", "markdown", "latex"]
FORMATS: tuple[str, ...] = get_args(Format)
