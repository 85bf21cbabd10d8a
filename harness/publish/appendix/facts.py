"""What the records of all folders say together, counted and summed: nothing is asked elsewhere."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.analysis.merging import MergedResults
from harness.publish import sweep_sources
from harness.publish.bundle.runs import RecordedRun, of_record
from harness.publish.sweep_sources import Source
from harness.results.record import Record

_GIBIBYTE = 1 << 30
_VERSIONS = ("python", "tensorflow", "numpy", "keras")


@dataclass(frozen=True, kw_only=True)
class KnownData:
    """A data set of the catalogue; `sha256` is what records name, `originals` are its files."""

    title: str
    sha256: str
    originals: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, order=True)
class EnvironmentKey:
    """An environment as it ran: two with another lock or base are two."""

    id: str
    versions: tuple[str, ...]
    device: str
    engine: str
    base: str
    lock_sha256: str


@dataclass(kw_only=True)
class Times:
    """Wall times of runs, in seconds, and when the first began and the last ended."""

    seconds: list[float] = field(default_factory=list)
    first: datetime.datetime | None = None
    last: datetime.datetime | None = None

    def add(self, run: RecordedRun) -> None:
        """Count a run, if its record says when it was."""
        if run.started is None or run.ended is None:
            return
        self.seconds.append((run.ended - run.started).total_seconds())
        self.first = min(self.first or run.started, run.started)
        self.last = max(self.last or run.ended, run.ended)


@dataclass(frozen=True, kw_only=True, order=True)
class MatrixFacts:
    """A matrix as one of its plans has it."""

    name: str
    sha256: str
    repeats: int


@dataclass(kw_only=True)
class Facts:
    """What all records say.

    `environments` has the ids of their images or virtual environments, `times` is by machine and
    environment, `settings` has the values asked by axis, `programs` counts runs by the version of
    this program, "" where the record names none.
    """

    matrices: set[MatrixFacts] = field(default_factory=set)
    environments: dict[EnvironmentKey, set[str]] = field(default_factory=dict)
    times: dict[tuple[str, str], Times] = field(default_factory=dict)
    hardware: dict[str, set[str]] = field(default_factory=dict)
    programs: Counter[str] = field(default_factory=Counter)
    codes: set[str] = field(default_factory=set)
    limits: set[str] = field(default_factory=set)
    settings: dict[str, set[str]] = field(default_factory=dict)
    data: dict[str, set[str]] = field(default_factory=dict)
    scripts: set[tuple[str, str]] = field(default_factory=set)
    files: dict[str, str] = field(default_factory=dict)


def read(merged: MergedResults) -> Facts:
    """Everything that the records and plans of these results say.

    Raises:
        RecordError: a record or plan is unreadable or of another schema.
    """
    facts, seen = Facts(), set()
    for source in sweep_sources.sources(merged):
        _add_plan(facts, source)
        for record in source.sweep.records():
            key = (source.matrix, source.machine, record.cell, record.repeat)
            if key not in seen:
                seen.add(key)
                _add(facts, source.machine, record)
    return facts


def _add_plan(facts: Facts, source: Source) -> None:
    plan = source.sweep.plan()
    if plan is not None:
        header = plan[0]
        facts.matrices.add(
            MatrixFacts(name=source.matrix, sha256=header.matrix_sha256, repeats=header.repeats)
        )


def _add(facts: Facts, machine: str, record: Record) -> None:
    run = of_record(record, "", ())
    images = facts.environments.setdefault(_environment(record, run), set())
    images.update([record.environment.image] if record.environment.image else [])
    facts.times.setdefault((machine, record.environment.id), Times()).add(run)
    facts.hardware.setdefault(machine, set()).add(hardware_sentence(record.hardware))
    facts.programs[record.program.get("version", "")] += 1
    facts.codes.add(record.code)
    facts.limits.update(_limits(record.process))
    for axis, value in record.settings.items():
        text = ", ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else value
        facts.settings.setdefault(axis, set()).add(str(text) or "none")
    if run.data_sha256:
        workloads = facts.data.setdefault(run.data_sha256, set())
        workloads.add(str(record.settings.get("workload", "")))
    if record.script is not None:
        facts.scripts.add((run.script, run.script_sha256))
        facts.files.update(record.script.data)


def _environment(record: Record, run: RecordedRun) -> EnvironmentKey:
    versions = dict(run.versions)
    environment = record.environment
    return EnvironmentKey(
        id=environment.id,
        versions=tuple(versions.get(name, "") for name in _VERSIONS),
        device=environment.device,
        engine=run.engine,
        base=environment.base,
        lock_sha256=environment.lock_sha256,
    )


def _limits(process: Mapping[str, Any]) -> Iterator[str]:
    memory, timeout = process.get("memory_bytes"), process.get("timeout_s")
    if isinstance(memory, int | float):
        yield f"{_gibibytes(memory)} of memory"
    if isinstance(timeout, int | float):
        yield f"{timeout:g} s"


def hardware_sentence(hardware: Mapping[str, Any]) -> str:
    """A machine in words, as far as it is described; records may be anybody's."""
    return ", ".join(_hardware(hardware)) or "not described"


def _hardware(hardware: Mapping[str, Any]) -> Iterator[str]:
    if hardware.get("cpu_model"):
        yield f"{hardware['cpu_model']} ({hardware.get('microarchitecture') or 'unknown'})"
    visible, logical = hardware.get("visible_cpus"), hardware.get("logical_cpus")
    if isinstance(visible, list):
        yield f"{len(visible)} of {logical} CPUs visible" if logical else f"{len(visible)} CPUs"
    if isinstance(hardware.get("memory_bytes"), int):
        yield f"{_gibibytes(hardware['memory_bytes'])} of memory"
    gpus = hardware.get("gpus")
    if isinstance(gpus, list):
        yield _gpus([gpu for gpu in gpus if isinstance(gpu, dict)])
    for name, before in (("os", ""), ("kernel", "kernel "), ("glibc", "glibc ")):
        if hardware.get(name):
            yield f"{before}{hardware[name]}"
    if "hypervisor" in hardware:
        found = hardware["hypervisor"]
        yield f"a virtual machine ({found})" if found else "no hypervisor found"


def _gpus(gpus: Sequence[Mapping[str, Any]]) -> str:
    return " + ".join(map(_gpu, gpus)) or "no GPU"


def _gpu(gpu: Mapping[str, Any]) -> str:
    memory, driver = gpu.get("memory_bytes"), gpu.get("driver")
    more = [_gibibytes(memory)] if isinstance(memory, int) else []
    more += [f"driver {driver}"] if driver else []
    return f"{gpu.get('name')} ({', '.join(more)})" if more else str(gpu.get("name"))


def _gibibytes(size: float) -> str:
    return f"{size / _GIBIBYTE:.1f} GiB"


def all_times(times: Iterable[Times]) -> list[float]:
    """The seconds of all these runs."""
    return [seconds for each in times for seconds in each.seconds]
