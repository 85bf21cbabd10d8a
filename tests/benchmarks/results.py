"""Rows about reading: a sweep with nothing to do, and a table of 100,000 records."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from statistics import median

import pandas as pd

from benchmarks import made, measuring
from benchmarks.measuring import Result, clocked, harness
from harness.analysis import run_index, run_table
from harness.analysis.class_table import by_class

HERE = Path(__file__).parent
LOCKS = HERE.parent.parent / "matrices" / "locks"


def large_sweep(folder: Path) -> Path:
    """The folder of 100,000 records, made below `folder` unless they are there."""
    measuring.say("  making 100,000 records, unless they are there (some minutes)")
    return made.sweep(matrix_in(folder, "large"), folder / "results")


def matrix_in(folder: Path, name: str) -> Path:
    """The matrix file in a folder of its own, with its locks."""
    shutil.copytree(LOCKS, folder / "locks", dirs_exist_ok=True)
    return Path(shutil.copy(HERE / f"{name}.yaml", folder))


def nothing_to_do(folder: Path, times: int) -> list[Result]:
    """`harness run` where every one of 1,000 cells is recorded already, the whole command."""
    matrix, results = matrix_in(folder, "thousand"), folder / "results"
    shutil.rmtree(results / "thousand", ignore_errors=True)
    measuring.say("  making 1,000 records")
    made.sweep(matrix, results)
    arguments = (str(matrix), "--engine", "local", "--results", str(results))
    plan = harness("plan", *arguments, "--format", "csv")
    if plan.count(",done,") != 1000:
        raise RuntimeError(f"not all is done: {plan.splitlines()[1]}")
    ours = [clocked(lambda: harness("run", *arguments)) for _ in range(times)]
    return [
        Result(
            what="second `harness run` with nothing to do, 1,000 cells",
            against="–",
            ours=measuring.seconds(ours),
            theirs="–",
            figure=f"{median(ours):.2f} s",
            bar="under 2 s",
            met=median(ours) < 2,
        )
    ]


def table_by_class(folder: Path, times: int) -> list[Result]:
    """`table --by class` of 100,000 records with the index ready, against reading the index.

    The bar is for the whole command against a whole process, which is what people wait for; the
    work itself, in a process that has imported everything, is given as well.
    """
    results, sweep = folder / "results" / "large", large_sweep(folder)
    time.sleep(2.5)
    measuring.say("  making the index")
    first = clocked(lambda: run_table.runs(results))
    path = sweep / run_index.NAME
    runs = run_table.runs(results)
    read, classed = measuring.alternately(
        lambda: clocked(lambda: pd.read_parquet(path)),
        lambda: clocked(lambda: by_class(runs)),
        times,
    )
    loaded = [clocked(lambda: run_table.runs(results)) for _ in range(times)]
    program = f"import pandas; pandas.read_parquet({str(path)!r})"
    alone, whole = measuring.alternately(
        lambda: clocked(lambda: measuring.command(sys.executable, "-c", program)),
        lambda: clocked(lambda: harness("table", results, "--by", "class")),
        times,
    )
    what = f"`table --by class`, {len(runs):,} records, index ready"
    against = "pandas reading the Parquet file alone"
    row = measuring.at_most(what, f"{against}, a process", alone, whole, 3)
    return [
        _noted(
            row,
            f"in process: pandas reads {measuring.seconds(read)}, "
            f"classes {measuring.seconds(classed)}",
            f"every file's stamp looked at and the index read: {measuring.seconds(loaded)}",
            f"first reading, making the index: {first:.0f} s",
        )
    ]


def _noted(result: Result, *notes: str) -> Result:
    return Result(**{**vars(result), "notes": notes})
