"""A matrix file, checked: what the file says, before anything is multiplied out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.matrix.claim import Claim
from harness.matrix.machine_kinds import MachineKind
from harness.protocol.axes import Value
from harness.subjects.scripts import ScriptEntry

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class EnvironmentEntry:
    """One entry of `environments`: the values of each key, multiplied out by `cells`.

    A key that the file leaves out has the single value None. `keras` may also have the package
    `tf-keras` as a requirement. `written_out` says that the entry
    names one environment only, so that one that cannot exist is the author's mistake. `line` and
    `column` count from 1.
    """

    python: tuple[str | None, ...] = (None,)
    tensorflow: tuple[str, ...]
    numpy: tuple[str | None, ...] = (None,)
    keras: tuple[str | None, ...] = (None,)
    written_out: bool
    line: int
    column: int


@dataclass(frozen=True, kw_only=True)
class Block:
    """A product of environments and axes; an axis it leaves out has the catalogue's default.

    `parameters` are those of scripts; each multiplies the cells of the scripts that have it.
    """

    environments: tuple[EnvironmentEntry, ...]
    axes: Mapping[str, tuple[Value, ...]]
    parameters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Exclusion:
    """Cells to leave out: those that have one of the given values for every given key.

    A key is an axis, an environment key or a script's parameter.
    """

    match: Mapping[str, tuple[Value, ...]]
    because: str


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """What a matrix file says. `blocks` is its main product and then each `include`.

    `consents` names the environment variables that are set although nobody knows them to be
    harmless, each with the reason. `scripts` are its own workloads by name, `claims` what it is to
    show, `machines` the kinds of machines on which a cluster is to run each cell.
    """

    name: str
    description: str
    blocks: tuple[Block, ...]
    exclude: tuple[Exclusion, ...]
    repeats: int
    consents: Mapping[str, str]
    source: str
    sha256: str
    scripts: Mapping[str, ScriptEntry] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    machines: tuple[MachineKind, ...] = ()
