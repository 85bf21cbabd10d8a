"""From the runs of a plan to jobs: grouped by what must be set before their process starts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from harness.environments.lock import Lock
from harness.errors import HarnessError, LockError
from harness.executors.run_processes import Limits
from harness.matrix import variables
from harness.matrix.cells import Cell, cell_variables
from harness.matrix.environment import Environment
from harness.protocol import untrusted
from harness.protocol.axes import to_json
from harness.protocol.job import DataReference, Job, Run
from harness.protocol.script import Script
from harness.results.locks import MAX_BYTES
from harness.sweep.planning import Step

_ENVIRONMENT_KEYS = ("python", "tensorflow", "numpy", "keras", "device", "requirements")


@dataclass(frozen=True, kw_only=True)
class Unlocked:
    """A job without a lock, and why there is none."""

    job: Job
    error: HarnessError


@dataclass(frozen=True, kw_only=True)
class Maker:
    """Makes jobs. `lock` gives an environment's lock or raises a `HarnessError`; `data` refers to
    the data set of a reference workload; `scripts` are the users' scripts by workload."""

    matrix: str
    lock: Callable[[Environment], Lock]
    data: Callable[[str], DataReference]
    scripts: Mapping[str, Script]
    limits: Limits

    def jobs(self, steps: Iterable[Step]) -> tuple[list[Job], list[Unlocked]]:
        """A job for each group of runs, in the order of the steps, and those without a lock."""
        jobs: list[Job] = []
        unlocked: list[Unlocked] = []
        for group in _grouped(steps).values():
            environment = group[0].cell.environment
            try:
                jobs.append(self._job(group, _text_of(self.lock(environment))))
            except HarnessError as error:
                unlocked.append(Unlocked(job=self._job(group, ""), error=error))
        return jobs, unlocked

    def _job(self, group: list[Step], lock: str) -> Job:
        first = group[0].cell
        runs = tuple(
            Run(cell=step.cell.id, repeat=step.repeat, settings=_settings(step.cell))
            for step in group
        )
        workloads = dict.fromkeys(run.workload for run in runs)
        return Job(
            matrix=self.matrix,
            environment={key: getattr(first.environment, key) for key in _ENVIRONMENT_KEYS},
            lock=lock,
            variables=cell_variables(first),
            consent=_consents(first),
            data={name: self.data(name) for name in workloads if name not in self.scripts},
            scripts={name: self.scripts[name] for name in workloads if name in self.scripts},
            timeout_s=self.limits.timeout,
            memory_bytes=self.limits.memory,
            runs=runs,
        )


def _consents(cell: Cell) -> tuple[str, ...]:
    """The variables that the cell sets although nobody knows them to be harmless."""
    free = cell.settings["env"]
    pairs = free if isinstance(free, tuple) else ()
    return tuple(name for name, value in pairs if variables.needs_consent(name, value))


def _grouped(steps: Iterable[Step]) -> dict[object, list[Step]]:
    """The steps whose runs may share one process, groups and steps in the order they came."""
    groups: dict[object, list[Step]] = {}
    for step in steps:
        its_variables = cell_variables(step.cell)
        key = (step.cell.environment, *sorted(its_variables.items()))
        groups.setdefault(key, []).append(step)
    return groups


def _settings(cell: Cell) -> dict[str, str | int | dict[str, str]]:
    return {name: to_json(value) for name, value in cell.settings.items()}


def _text_of(lock: Lock) -> str:
    try:
        content = untrusted.read_regular(lock.path, MAX_BYTES, follow_links=True)
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LockError(f"{lock.path}: cannot be read: {error}") from error
    if hashlib.sha256(content).hexdigest() != lock.sha256:
        raise LockError(f"{lock.path}: was changed while it was used; run the command again")
    return text
