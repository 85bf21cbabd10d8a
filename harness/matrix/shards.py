"""Shards: the parts of a matrix that several machines run, each on its own.

Which shard a cell belongs to follows from the cell and the number of shards alone. So machines that
know nothing of each other divide a matrix without gaps or overlaps, and a matrix that grows moves
no cell. Cells of one environment, one process image and one workload stay together: they share the
start of a process, and the audit of forking from it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.errors import UsageError
from harness.matrix.cells import Cell, cell_variables

MAX_SHARDS = 10_000

_FORM = re.compile(r"([0-9]{1,5})/([0-9]{1,5})", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Shard:
    """Part `number` of `count`, from 1."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def has(self, cell: Cell) -> bool:
        """Whether a cell belongs to it."""
        return shard_of(cell, self.count) == self.number


def parse(text: str) -> Shard:
    """The shard that a text such as `3/16` names.

    Raises:
        UsageError: it names none.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise UsageError(f"--shard {text!r} is not NUMBER/COUNT; write 3/16 for the third of 16")
    shard = Shard(number=int(match[1]), count=int(match[2]))
    if not 1 <= shard.count <= MAX_SHARDS:
        raise UsageError(f"--shard {text!r}: there can be 1 to {MAX_SHARDS} shards")
    if not 1 <= shard.number <= shard.count:
        raise UsageError(f"--shard {text!r}: shards are numbered from 1 to {shard.count}")
    return shard


def within(cells: Iterable[Cell], shard: Shard | None) -> Iterator[Cell]:
    """The cells that belong to the shard, all where there is none."""
    return iter(cells) if shard is None else filter(shard.has, cells)


def shard_of(cell: Cell, count: int) -> int:
    """The number, from 1 to `count`, of the shard that a cell belongs to."""
    return int.from_bytes(group_digest(cell), "big") % count + 1


def group_digest(cell: Cell) -> bytes:
    """Equal for cells that stay together, whatever else stands in the matrix."""
    variables = sorted(cell_variables(cell).items())
    group = [cell.environment.id, variables, cell.workload]
    return hashlib.sha256(json.dumps(group).encode()).digest()
