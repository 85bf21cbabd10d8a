"""The model table: every model of every run, fit by fit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from harness.analysis import parameters, run_table
from harness.analysis.columns import MODEL_COLUMNS, frame_of, names
from harness.results import digests
from harness.results.record import Fit, Measured
from harness.results.scan import SweepFolder, sweeps

Row = dict[str, object]

_RUN = ["cell", "repeat"]
_FIT = ("model", "fit", "process", "steps", "init_sha256", "weights_sha256", "history_sha256")
_OF_FIT = ("model", "fit", "model_name", *_FIT[2:])


def by_model(folder: str | Path) -> pd.DataFrame:
    """One row per run with measurements, model and fit; see `MODEL_COLUMNS`.

    In the order of `run_table.runs`, then by model, fit and process.

    Raises:
        UsageError: there are no results in this folder.
        RecordError: a record is unreadable or of another schema.
    """
    whole = pd.concat([_of_sweep(sweep) for sweep in sweeps(folder)], ignore_index=True)
    return frame_of(whole, MODEL_COLUMNS, parameters.names_in(whole))


def _of_sweep(sweep: SweepFolder) -> pd.DataFrame:
    runs = run_table.runs(sweep.folder)
    own = parameters.names_in(runs)
    named = [name for name in names(MODEL_COLUMNS) if name not in _OF_FIT]
    # A planned row of a cell that is excluded by now is not that of the older record beside it.
    measured = runs.loc[runs["weights_sha256"].notna(), [*named, *own]]
    rows = pd.DataFrame(list(_rows(sweep)), columns=[*_RUN, *_OF_FIT])
    rows = rows.astype({"repeat": "Int64"})
    table: pd.DataFrame = measured.merge(rows, on=_RUN, how="left", sort=False)
    return table


def _rows(sweep: SweepFolder) -> Iterator[Row]:
    for record in sweep.records():
        if record.measured is not None:
            run = {"cell": record.cell, "repeat": record.repeat}
            yield from ({**run, **row} for row in _of_measured(record.measured))


def _of_measured(measured: Measured) -> Iterator[Row]:
    if not measured.fits:
        yield _of_reference(measured)
    for fit in sorted(measured.fits, key=lambda fit: (fit.model, fit.fit, fit.process)):
        yield _of_fit(fit)


def _of_fit(fit: Fit) -> Row:
    row: Row = {name: getattr(fit, name) for name in _FIT}
    return {**row, "init_sha256": fit.init_sha256 or None, "model_name": fit.name or None}


def _of_reference(measured: Measured) -> Row:
    return {
        "model": 1,
        "fit": 1,
        "process": "",
        "init_sha256": measured.init_sha256,
        "weights_sha256": measured.weights_sha256,
        "history_sha256": digests.history_sha256(measured),
    }
