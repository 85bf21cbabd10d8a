"""From the content of an older file to today's: one function per schema number, applied in turn.

A function takes the JSON object of one schema and returns that of the next one; it never changes
what was measured. Records of every schema ever written stay readable this way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.results.sealing import KEY

Content = dict[str, Any]
Steps = Mapping[int, Callable[[Content], Content]]
"""From schema number to the function that makes the next one."""


def upgraded(content: Content, steps: Steps) -> Content:
    """The content in the newest schema that `steps` lead to, its number included."""
    while (step := steps.get(content["schema"])) is not None:
        content = {**step(content), "schema": content["schema"] + 1}
    return content


def _without_digest(content: Content) -> Content:
    """Schema 1 had no digest; None says that nothing vouches for the content."""
    return {**content, KEY: None}


RECORD: Steps = {1: _without_digest}
MACHINE: Steps = {1: _without_digest}
