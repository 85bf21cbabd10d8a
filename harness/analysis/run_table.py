"""The run table of a results folder, from its index where that is current."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from harness.analysis import parameters, run_index
from harness.analysis.columns import RUN_COLUMNS, frame_of
from harness.results.record_stamps import record_stamps
from harness.results.scan import VOUCHERS, SweepFolder, note_foreign, sweeps

_VOUCHED_KEY = ("status", "lock_sha256", "workload", "code_sha256")


def runs(folder: str | Path) -> pd.DataFrame:
    """One row per planned cell and repeat of every sweep below `folder`; see `RUN_COLUMNS`.

    The parameters of users' scripts have columns of their own (see `parameters`).

    Sorted by matrix and machine, then in the order of the matrix. Records that no plan asks for
    come last in their sweep, with `planned` False; so do records of cells that the plan by now
    excludes or cannot run, which have their planned row as well.

    Raises:
        UsageError: there are no results in this folder.
        RecordError: a record or a plan is unreadable or of another schema.
    """
    tables = [_of_sweep(sweep) for sweep in sweeps(folder)]
    if len(tables) == 1:
        return tables[0]
    whole = pd.concat(tables, ignore_index=True)
    return frame_of(whole, RUN_COLUMNS, parameters.names_in(whole))


def _of_sweep(sweep: SweepFolder) -> pd.DataFrame:
    present, foreign = record_stamps(sweep.folder)
    note_foreign(sweep.folder, foreign)
    key = run_index.key_of(sweep)
    index = run_index.read(sweep.folder, key)
    # Without records, and their stamps, nothing vouches for the rows of an index.
    if index is not None and present and index.is_current(key, present):
        table = index.table
    else:
        # What reads records takes a while to import.
        from harness.analysis import run_assembly

        table = run_assembly.run_table(sweep, present, index)
        run_index.write(sweep.folder, table, key)
    whole = parameters.apart(_labelled(_vouched(table, sweep.folder), sweep))
    return frame_of(whole, RUN_COLUMNS, parameters.names_in(whole))


def _vouched(table: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """The table with the runs that vouch for others; no index has them, as they come later."""
    if not os.path.lexists(folder / VOUCHERS):
        return table
    from harness.results import vouchers

    names = {
        ("completed", each.lock_sha256, each.workload, each.old): f"{each.cell} #{each.repeat}"
        for each in vouchers.read(folder)
        if each.equal
    }
    # Runs that did not complete left no bits to vouch for; a sweep tries them again.
    keys = zip(*(table[name] for name in _VOUCHED_KEY), strict=True)
    column = pd.array([names.get(key, pd.NA) for key in keys], dtype="string")
    vouched: pd.DataFrame = table.assign(vouched_by=column)
    return vouched


def _labelled(table: pd.DataFrame, sweep: SweepFolder) -> pd.DataFrame:
    """The table as of this sweep: folders name matrix and machine, whoever made the records."""
    labels = {"matrix": sweep.matrix, "machine": sweep.machine}
    columns = {name: pd.array([text] * len(table), dtype="string") for name, text in labels.items()}
    labelled: pd.DataFrame = table.assign(**columns)
    return labelled
