"""The results that a call names: their run table, and where the records lie."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from harness import console
from harness.analysis import merging, run_table
from harness.analysis.history_table import NamedSweep
from harness.analysis.merging import MergedResults
from harness.errors import UsageError
from harness.results import scan
from harness.results.names import RESULTS_FOLDER
from harness.studies import result_sources

Selection = str | Sequence[str]
"""Globs over the ids of cells, or names of workloads; one by itself may be given as it is."""


@dataclass(frozen=True, kw_only=True)
class Results:
    """The run table of all folders, as text, and the sweeps that its rows come from."""

    runs: pd.DataFrame
    sweeps: tuple[NamedSweep, ...]


@contextmanager
def read(folders: Sequence[str | Path], only: Selection = ()) -> Iterator[Results]:
    """The results in these folders and bundles, for the time of the block.

    Raises:
        UsageError: there are no results in one of them, or it is neither.
        RecordError: a record, plan or bundle is damaged or of another schema.
        SelectionError: `only` matches no cell.
    """
    with result_sources.opened(_named(folders)) as opened:
        if len(opened) == 1:
            # One folder's machines have their names already, which saves looking for copies.
            runs, sweeps = run_table.runs(opened[0]), _of_folder(opened[0])
        else:
            merged = _merged(opened)
            runs, sweeps = merged.runs, _of_merged(merged)
        runs = merging.selected_rows(runs, globs(only))
        yield Results(runs=runs, sweeps=tuple(sweeps))


@contextmanager
def merged(folders: Sequence[str | Path]) -> Iterator[MergedResults]:
    """The results in these folders and bundles side by side, for the time of the block.

    Raises:
        UsageError: there are no results in one of them, or it is neither.
        RecordError: a record, plan or bundle is damaged or of another schema.
    """
    with result_sources.opened(_named(folders)) as opened:
        yield _merged(opened)


def globs(only: Selection) -> tuple[str, ...]:
    """A selection as several.

    Raises:
        UsageError: it is no text, and no texts.
    """
    several = [only] if isinstance(only, str) else only
    if not isinstance(several, Iterable) or not all(isinstance(glob, str) for glob in several):
        raise UsageError(f"only={only!r}: name a workload, or globs over ids, as text")
    return tuple(several)


def _named(folders: Sequence[str | Path]) -> Sequence[str | Path]:
    for folder in folders:
        if not isinstance(folder, str | os.PathLike):
            raise UsageError(
                f"{type(folder).__name__} given for a results folder or bundle: name each by a "
                "text or path, as in harness.load('results/one', 'results/other')"
            )
    return folders or (RESULTS_FOLDER,)


def _merged(opened: Sequence[Path]) -> MergedResults:
    results = merging.merge(opened)
    for note in results.notes:
        console.note(note)
    return results


def _of_folder(folder: Path) -> Iterator[NamedSweep]:
    yield from (NamedSweep(machine=one.machine, sweep=one) for one in scan.sweeps(folder))


def _of_merged(results: MergedResults) -> Iterator[NamedSweep]:
    for (_, machine), folders in results.folders.items():
        for folder in folders:
            yield from (NamedSweep(machine=machine, sweep=one) for one in scan.sweeps(folder))
