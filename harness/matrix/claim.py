"""Claims: sentences that a matrix puts to the test, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.protocol.axes import Value

Where = Mapping[str, tuple[Value, ...]]
"""The values that cells may have for each key: an axis, an environment key or a script's parameter.

Versions may be globs. Values are those asked for, so that a plan alone says which cells fit."""

Kind = Literal["stable", "unstable", "different", "equal", "divided"]

MACHINE = "machine"
"""What no matrix varies and cells can be compared over all the same."""


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What is expected of the cells that a claim is about.

    `stable` and `unstable` speak of each cell, `different` and `equal` of the weights of each pair
    of cells that differ in the axis `over` alone. `divided` speaks of each pair that differs in the
    keys of `stable_with` and `unstable_with` alone: the one is stable, the other unstable.
    """

    kind: Kind
    over: str = ""
    stable_with: Where = field(default_factory=dict)
    unstable_with: Where = field(default_factory=dict)

    def __str__(self) -> str:
        if self.kind == "divided":
            return f"stable with {in_words(self.stable_with)}, unstable with " + in_words(
                self.unstable_with
            )
        return f"{self.kind} over {self.over}" if self.over else self.kind


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One sentence and what it says about the cells that fit `where` (all of them, if empty)."""

    id: str
    says: str
    source: str
    where: Where
    expect: Expectation


def in_words(where: Where) -> str:
    """`threads=1, seeding=all or tf`."""
    return ", ".join(
        f"{key}={' or '.join(_text(value) for value in allowed)}" for key, allowed in where.items()
    )


def _text(value: Value) -> str:
    return " ".join(f"{n}={v}" for n, v in value) if isinstance(value, tuple) else str(value)
