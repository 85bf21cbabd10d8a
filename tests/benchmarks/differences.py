"""The row about `harness diff`: the step that differs, recorded whole, against one run."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks import measuring
from benchmarks.environments import FOUR, PYTHON
from benchmarks.measuring import Result, clocked, harness
from benchmarks.results import LOCKS

MOST = 3.0

_MATRIX = f"""
schema: 1
name: threads
environments: {{python: "{PYTHON}", tensorflow: {FOUR[-1]}}}
axes: {{workload: mnist-cnn, threads: [1, 2]}}
"""


def second_level(folder: Path, times: int) -> list[Result]:
    """`diff --level 2` of one thread and two, against `run` of one cell in a process of its own."""
    shutil.copytree(LOCKS, folder / "locks", dirs_exist_ok=True)
    matrix, results = folder / "threads.yaml", folder / "results"
    matrix.write_text(_MATRIX)
    here = ("--engine", "local")
    harness("run", matrix, *here, "--results", results)

    def one_run() -> float:
        options = ("--isolation", "fresh", "--again", "*threads=1*", "--results", results)
        return clocked(lambda: harness("run", matrix, *here, *options))

    def diff() -> float:
        cells = ("*threads=1*", "*threads=2*")
        return clocked(lambda: harness("diff", results, *cells, "--level", "2", *here))

    one, both = measuring.alternately(one_run, diff, times)
    what = "`diff --level 2` of two cells of mnist-cnn, the whole command"
    return [measuring.at_most(what, "`run` of one of them", one, both, MOST)]
