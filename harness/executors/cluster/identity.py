"""What the programs of a cluster must have in common, and what a worker says it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import distributed

import harness
from harness.executors import staging
from harness.protocol import exchange

PLUGIN = "harness"
"""The name of our plugin in a Dask worker."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """Which program it is: equal on both sides, or runs are not what they are taken for.

    `schema` is that of jobs and replies, `runner` the digest of the measured side's sources.
    """

    harness: str
    schema: int
    runner: str
    distributed: str

    def __str__(self) -> str:
        return (
            f"harness {self.harness} (schema {self.schema}, runner {self.runner[:8]}, "
            f"distributed {self.distributed})"
        )


def this_program() -> Program:
    """The program that this is."""
    return Program(
        harness=harness.__version__,
        schema=exchange.SCHEMA,
        runner=staging.digest(),
        distributed=distributed.__version__,
    )


def program_to_json() -> dict[str, Any]:
    """This program as a JSON object."""
    return asdict(this_program())


@dataclass(frozen=True, kw_only=True)
class WorkerInfo:
    """A worker as it describes itself; `hardware` is what it measured, `machine` its name.

    `engine` is the description of its engine, `lacks` says why a device ("cpu", "gpu") cannot be
    had there, and has no entry where it can.
    """

    id: str
    address: str
    name: str
    program: Program
    machine: str
    hardware: Mapping[str, Any]
    engine: Mapping[str, str]
    lacks: Mapping[str, str]

    @property
    def cpus(self) -> int:
        """How many CPUs it shares among its runs."""
        return len(self.hardware["visible_cpus"])


def to_json(worker: WorkerInfo) -> dict[str, Any]:
    """The worker's description as a JSON object."""
    return asdict(worker)


def from_json(content: Mapping[str, Any]) -> WorkerInfo:
    """The description in a JSON object.

    Raises:
        TypeError, KeyError: it is none, or one of another version.
    """
    return WorkerInfo(**{**content, "program": Program(**content["program"])})
