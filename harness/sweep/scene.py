"""What a sweep works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.datasets.prepared import Prepared
from harness.engines.protocol import Engine
from harness.environments.lock import Lock
from harness.matrix.environment import Environment
from harness.results.store import Store
from harness.sweep.audit import Audits
from harness.sweep.processes import Limits
from harness.sweep.recording import Origin
from harness.sweep.staging import StagedRunner

IsolationPolicy = Literal["auto", "forked", "fresh"]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a sweep works with.

    `lock` gives an environment's lock (made if there is none), `data` the prepared set of a
    workload; both raise a `HarnessError` that says why not. `cpus` are the host's CPUs to share,
    `holders` how many runs fit into memory at once, `logs` the folder for build logs.
    """

    engine: Engine
    store: Store
    origin: Origin
    runner: StagedRunner
    lock: Callable[[Environment], Lock]
    data: Callable[[str], Prepared]
    data_root: Path
    cpus: tuple[int, ...]
    holders: int
    limits: Limits
    isolation: IsolationPolicy
    audits: Audits
    logs: Path
