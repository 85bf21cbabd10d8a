"""Numbers with their noun, as messages and tables say them."""

from __future__ import annotations


def counted(number: int, noun: str, several: str = "") -> str:
    """`1 run`, `1,200 runs`; `several` is the plural where an s does not make it."""
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"
