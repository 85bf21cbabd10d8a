"""The row about growth: ten times the input takes at most twelve times the time and the memory."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median

from benchmarks import made, measuring
from benchmarks.measuring import Result, Weight, weighed
from benchmarks.results import HERE, large_sweep, matrix_in

MOST = 12.0

_TICKS_S = 2.5
"""Files younger than this are not yet believed to be as they were."""


def scale(folder: Path, times: int) -> list[Result]:
    """Plans of 100,000 and 1,000,000 cells, tables of 10,000 and 100,000 records.

    Of the tables those that are quick are taken `times` times, everything else once.
    """
    return [*_plans(folder), *_tables(folder, times)]


def _plans(folder: Path) -> Iterable[Result]:
    matrices = [_of_seeds(folder, seeds) for seeds in (25, 250)]
    for format in ("rich", "csv"):
        measuring.say(f"  planning, {format}")
        options = ("--engine", "local", "--results", folder / "none", "--format", format)
        small, large = (weighed("plan", matrix, *options) for matrix in matrices)
        what = f"`plan --format {format}` of 1,000,000 cells"
        yield measuring.grown(what, "of 100,000 cells", small, large, MOST)


def _of_seeds(folder: Path, seeds: int) -> Path:
    """A matrix of 4,000 cells for each seed, made of the large one."""
    path = matrix_in(folder, "large")
    name = f"seeds{seeds}"
    text = _changed(path.read_text(), "name: large", f"name: {name}")
    text = _changed(text, "seed: [1, 2, 3, 4, 5]", f"seed: {list(range(1, seeds + 1))}")
    made_of_it = folder / f"{name}.yaml"
    made_of_it.write_text(_changed(text, "repeats: 5", "repeats: 1"))
    return made_of_it


def _changed(text: str, old: str, new: str) -> str:
    if old not in text:
        raise RuntimeError(f"{HERE / 'large.yaml'}: no {old!r} in it")
    return text.replace(old, new)


def _tables(folder: Path, times: int) -> Iterable[Result]:
    sweeps = [_tenth(folder), large_sweep(folder.parent / "table-by-class")]
    time.sleep(_TICKS_S)
    for by in ("cell", "class"):
        measuring.say(f"  tables by {by}, nothing kept beside the records")
        yield _grown(by, "nothing kept", *(_table(sweep, by, kept=False) for sweep in sweeps))
        measuring.say(f"  tables by {by}, all kept")
        pairs = [[_table(sweep, by, kept=True) for sweep in sweeps] for _ in range(times)]
        yield _grown(by, "all kept", *(_middle(side) for side in zip(*pairs, strict=True)))


def _grown(by: str, state: str, small: Weight, large: Weight) -> Result:
    what = f"`table --by {by}` of 100,000 records, {state}"
    return measuring.grown(what, "of 10,000 records", small, large, MOST)


def _tenth(folder: Path) -> Path:
    """A sweep of 10,000 records: the large matrix with one seed of five and one of two threads."""
    path = matrix_in(folder, "large")
    text = _changed(path.read_text(), "seed: [1, 2, 3, 4, 5]", "seed: [1]")
    text = _changed(text, "threads: [1, 2]", "threads: [1]")
    tenth = folder / "tenth.yaml"
    tenth.write_text(_changed(text, "name: large", "name: tenth"))
    return made.sweep(tenth, folder / "results")


def _table(sweep: Path, by: str, *, kept: bool) -> Weight:
    if not kept:
        for file in sweep.glob(".*.parquet"):
            file.unlink()
    return weighed("table", sweep, "--by", by)


def _middle(weights: Iterable[Weight]) -> Weight:
    """The median of the times, and of the memory."""
    taken = list(weights)
    return Weight(
        seconds=median(weight.seconds for weight in taken),
        bytes=int(median(weight.bytes for weight in taken)),
    )
