"""What a check of this machine says, and what a sweep would need of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness.environments.lock import Lock
from harness.errors import HarnessError, LockError
from harness.matrix.environment import Environment

State = Literal["ok", "look", "blocks"]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One line: what was looked at, what was found, and what to do about it, "" where nothing.

    `look` is worth a look and stops nothing; what `blocks` ends a sweep with `exit_code`.
    """

    check: str
    state: State
    found: str
    to_do: str = ""
    exit_code: int = 0


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a sweep would need; without a matrix the environments and workloads are empty.

    `engine` is the one asked for ("auto", "docker", "local"), `memory` the bytes one run may use,
    `workloads` the number of runs of each. `lock` is `planning.Wanted.lock`.
    """

    engine: str
    results: Path
    memory: int
    environments: tuple[Environment, ...] = ()
    workloads: Mapping[str, int] = field(default_factory=dict)
    lock: Callable[[Environment], Lock | LockError | None] = lambda environment: None

    @property
    def locks(self) -> list[Lock]:
        """The locks that are there and can be used."""
        found = (self.lock(environment) for environment in self.environments)
        return [lock for lock in found if isinstance(lock, Lock)]


def ok(check: str, found: str) -> Check:
    """A line that asks for nothing."""
    return Check(check=check, state="ok", found=found)


def look(check: str, found: str, to_do: str) -> Check:
    """A line that is worth a look."""
    return Check(check=check, state="look", found=found, to_do=to_do)


def blocks(check: str, error: HarnessError) -> Check:
    """A line for what would end a sweep with this error."""
    found = error.problem.partition("\n")[0]
    to_do = error.remedy or found
    return Check(check=check, state="blocks", found=found, to_do=to_do, exit_code=error.exit_code)
