"""The history table: what every training reported at the end of each epoch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pandas as pd

from harness.analysis import parameters
from harness.analysis.columns import HISTORY_COLUMNS, frame_of, names
from harness.results.record import Measured, Record
from harness.results.scan import SweepFolder

Row = dict[str, object]

_RUN = ["matrix", "machine", "cell", "repeat"]
_OF_EPOCH = ("model", "fit", "process", "epoch", "metric", "value")


@dataclass(frozen=True, kw_only=True)
class NamedSweep:
    """A sweep folder, and the name that its machine has in the run table."""

    machine: str
    sweep: SweepFolder


def by_epoch(runs: pd.DataFrame, sweeps: Iterable[NamedSweep]) -> pd.DataFrame:
    """One row per completed run, model, fit, epoch and metric; see `HISTORY_COLUMNS`.

    `runs` is the run table of these sweeps, or a part of it. In its order, then by process, model,
    fit and epoch, and of an epoch the loss first.

    Raises:
        RecordError: a record is unreadable or of another schema.
    """
    own = parameters.names_in(runs)
    named = [name for name in names(HISTORY_COLUMNS) if name not in _OF_EPOCH]
    # A planned row of a cell that is excluded by now is not that of the older record beside it.
    measured = runs[(runs["status"] == "completed") & runs["weights_sha256"].notna()]
    rows = pd.DataFrame(list(_rows(sweeps)), columns=[*_RUN, *_OF_EPOCH])
    rows = rows.astype({"repeat": "Int64"})
    keys = measured[[*named, *own]].drop_duplicates(_RUN)
    whole = keys.merge(rows, on=_RUN, how="inner", sort=False)
    return frame_of(whole, HISTORY_COLUMNS, own)


def _rows(sweeps: Iterable[NamedSweep]) -> Iterator[Row]:
    """The epochs of every completed run once, where parts of a sweep lie in several folders."""
    seen: set[tuple[object, ...]] = set()
    for named in sweeps:
        for record in named.sweep.records():
            run = _run(named, record)
            if record.status == "completed" and record.measured and tuple(run.values()) not in seen:
                seen.add(tuple(run.values()))
                yield from ({**run, **row} for row in _epochs(record.measured))


def _run(named: NamedSweep, record: Record) -> Row:
    values = (named.sweep.matrix, named.machine, record.cell, record.repeat)
    return dict(zip(_RUN, values, strict=True))


def _epochs(measured: Measured) -> Iterator[Row]:
    if not measured.fits:
        yield from _history({"model": 1, "fit": 1, "process": ""}, measured.history)
    for fit in sorted(measured.fits, key=lambda fit: (fit.process, fit.model, fit.fit)):
        place: Row = {"model": fit.model, "fit": fit.fit, "process": fit.process}
        yield from _history(place, fit.history)


def _history(place: Row, history: dict[str, tuple[str, ...]]) -> Iterator[Row]:
    ordered = sorted(history, key=lambda name: (name != "loss", name))
    epochs = max((len(values) for values in history.values()), default=0)
    for epoch in range(epochs):
        for name in ordered:
            if epoch < len(history[name]):
                # A record whose numbers are no exact ones is refused as it is read.
                value = float.fromhex(history[name][epoch])
                yield {**place, "epoch": epoch + 1, "metric": name, "value": value}
