"""The rows about clusters: what Dask and we cost beside the trainings, and a sweep through Dask.

BENCHMARK_WORKERS and BENCHMARK_RUNS set how many sleeping workers there are, and how many runs of a
second each. The workers are processes on this machine: what they take of its CPUs while they start
and report is part of what is measured.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from simulated_cluster import LOCKS, Cluster, matrix_of, prepare

from benchmarks import measuring
from benchmarks.measuring import Result, clocked, weighed

WORKERS = int(os.environ.get("BENCHMARK_WORKERS", "16"))
RUNS = int(os.environ.get("BENCHMARK_RUNS", "1600"))
SECONDS = 1.0
LEAST_EFFICIENCY = 0.95
MOST_BYTES = 1 << 30
MOST_SLOWER = 1.1

_REAL = """
schema: 1
name: real
environments: {python: "3.11", tensorflow: 2.15.1}
axes:
  workload: mnist-mlp
  threads: 1
  seed: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
"""


def cluster(folder: Path, times: int) -> list[Result]:
    """Sleeping trainings on many workers, and real ones on two."""
    return [*_sleeping(folder), _real(folder, times)]


def _sleeping(folder: Path) -> list[Result]:
    matrix = matrix_of(folder / "matrix", cells=RUNS, repeats=1)
    prepared = folder / f"prepared-{RUNS}"
    if not prepared.exists():
        measuring.say("  preparing records")
        prepare(matrix, prepared)
    names = [f"w{number}" for number in range(WORKERS)]
    with _started(folder, lambda made: [made.sleeper(name, SECONDS) for name in names]) as made:
        measuring.say(f"  {RUNS} runs on {WORKERS} workers")
        results = Path(tempfile.mkdtemp(dir=folder)) / "results"
        took = weighed("run", matrix, "--on", made.address, "--results", results)
        begun = made.begun
    if len(begun) != RUNS or set(begun.values()) != {1}:
        raise RuntimeError(f"{len(begun)} of {RUNS} runs were begun, not each once")
    ideal = RUNS * SECONDS / WORKERS
    efficiency = ideal / took.seconds
    what = f"`run --on` of {RUNS:,} runs that sleep {SECONDS:g} s, {WORKERS} workers"
    return [
        Result(
            what=what,
            against="their sleep alone",
            ours=f"{took.seconds:.1f} s",
            theirs=f"{ideal:.1f} s",
            figure=f"efficiency {efficiency:.3f}",
            bar=f"at least {LEAST_EFFICIENCY:g}",
            met=efficiency >= LEAST_EFFICIENCY,
            notes=(f"{_span(results):.1f} s from the first record to the last",),
        ),
        Result(
            what=f"memory of {what}",
            against="",
            ours=f"{took.bytes / 2**20:,.0f} MiB",
            theirs="",
            figure="",
            bar="under 1 GiB",
            met=took.bytes < MOST_BYTES,
        ),
    ]


def _span(results: Path) -> float:
    """The seconds between the first record and the last: without the command's start and end."""
    times = [path.stat().st_mtime for path in results.glob("*/*/*/1.json")]
    return max(times) - min(times)


def _real(folder: Path, times: int) -> Result:
    matrix = folder / "real" / "real.yaml"
    matrix.parent.mkdir(exist_ok=True)
    shutil.copytree(LOCKS, matrix.parent / "locks", dirs_exist_ok=True)
    matrix.write_text(_REAL)

    def timed(*options: str) -> Callable[[], float]:
        def action() -> object:
            results = Path(tempfile.mkdtemp(dir=folder)) / "results"
            return measuring.harness("run", matrix, "--results", results, *options)

        return lambda: clocked(action)

    with _started(folder, lambda made: [made.worker(name) for name in "ab"]) as made:
        measuring.say("  a real sweep, here and on two workers")
        here, there = timed("--engine", "local"), timed("--on", made.address)
        # The first one makes what later ones find made: environments, and what audits found.
        here()
        theirs, ours = measuring.alternately(here, there, times)
    what = "12 real trainings on two workers of this machine"
    return measuring.at_most(what, "the same without Dask", theirs, ours, MOST_SLOWER)


@contextmanager
def _started(folder: Path, start: Callable[[Cluster], object]) -> Iterator[Cluster]:
    """A cluster whose workers are there, ended after the `with` block."""
    made = Cluster(folder=Path(tempfile.mkdtemp(dir=folder)), prepared=folder / f"prepared-{RUNS}")
    try:
        made.scheduler()
        start(made)
        made.until_joined(len(made.processes) - 1)
        yield made
    finally:
        made.close()
