"""The machine that jobs are carried out on, and where their records go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.datasets.prepared import Prepared
from harness.engines.protocol import Engine
from harness.executors.audits import Audits
from harness.executors.staging import StagedRunner
from harness.results.store import Store

IsolationPolicy = Literal["auto", "forked", "fresh"]


@dataclass(frozen=True, kw_only=True)
class Context:
    """What jobs are carried out with.

    `machine` and `hardware` name and describe this machine. `data` gives a data set by name, or
    raises a `HarnessError` that says why not; `data_root` is the folder that holds all of them.
    `cpus` are the CPUs to share, `slots` says how many runs fit into memory at once, `logs` is the
    folder for build logs. `cpu_locks` is where several processes that share the CPUs agree on who
    has which, None where this one has them alone.
    """

    engine: Engine
    store: Store
    machine: str
    hardware: Mapping[str, Any]
    runner: StagedRunner
    data: Callable[[str], Prepared]
    data_root: Path
    cpus: tuple[int, ...]
    slots: int
    isolation: IsolationPolicy
    audits: Audits
    logs: Path
    cpu_locks: Path | None = None
