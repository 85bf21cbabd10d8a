"""The final weights of a run, as arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.errors import SelectionError, UsageError
from harness.notebook import sources
from harness.notebook.sources import Results
from harness.results import blobs, left_out

_DIGEST = re.compile(r"[0-9a-f]{6,64}")
_EXAMPLES = 3
_COLUMN = "weights_sha256"


Run: TypeAlias = "Mapping[str, Any] | pd.Series[Any] | tuple[Any, ...] | str"
"""A row of a table, or a digest."""

Weights = dict[str, npt.NDArray[Any]]


def weights(run: Run, *folders: str | Path) -> Weights:
    """The final weights of a run, by the name of the tensor and in the order of the model.

    Args:
        run: a row of `harness.load` (`runs.iloc[0]`), of `cells` or of `classes`; or the digest of
            the weights, or its beginning, six digits or more.
        folders: results folders and bundles; `results` if none is named.

    Returns:
        Copies of the arrays, as they were stored: their shapes, their dtypes, their bits. Of a
        script's models the names are `MODEL/NAME`.

    Raises:
        UsageError: `run` is no row and no digest, there are no results in a folder, or it is
            neither folder nor bundle.
        SelectionError: the run left no weights, these are of no run there, or several begin so,
            or the weights were left out of the results.
        RecordError: a record, plan, bundle or the stored weights are damaged.

    >>> import harness
    >>> runs = harness.load("results/reference", only="mnist-mlp,tf2.21*")
    >>> weights = harness.weights(runs.iloc[0], "results/reference")
    >>> list(weights), weights["digit/kernel"].shape
    (['hidden/kernel', 'hidden/bias', 'digit/kernel', 'digit/bias'], (128, 10))
    """
    start = _digest_of(run)
    with sources.read(folders) as results:
        digest = _whole(start, results)
        for named in results.sweeps:
            found = blobs.read_weights(blobs.folder_of(named.sweep.folder), digest)
            if found is not None:
                return {name: _copy(array) for name, array in found.items()}
        raise SelectionError(_missing(digest, results))


def _copy(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """An array that can be written to: what is read is a view of the file's bytes."""
    return np.array(array)


def _digest_of(run: object) -> str:
    if isinstance(run, pd.DataFrame):
        if len(run) != 1:
            raise UsageError(f"{len(run)} rows given for a run: give one, as in runs.iloc[0]")
        run = run.iloc[0]
    if isinstance(run, tuple) and hasattr(run, "_asdict"):
        # A row of itertuples().
        run = run._asdict()
    if isinstance(run, Mapping | pd.Series):
        return _digest_in(run)
    if isinstance(run, str) and _DIGEST.fullmatch(run):
        return run
    raise UsageError(
        f"{run!r} is no run: give a row of harness.load, as in runs.iloc[0], or the digest of its "
        "weights, six digits or more"
    )


def _digest_in(row: Mapping[str, Any] | pd.Series[Any]) -> str:
    if _COLUMN not in row:
        raise UsageError(f"this row has no {_COLUMN}: give one of harness.load, with all columns")
    digest = row[_COLUMN]
    if pd.isna(digest):
        said = [str(row.get(name, "")) for name in ("cell", "class", "status", "reason")]
        raise SelectionError(f"{' '.join(filter(None, said))}: has no weights")
    return str(digest)


def _whole(start: str, results: Results) -> str:
    every = results.runs[_COLUMN].dropna().unique()
    fitting = [str(digest) for digest in every if str(digest).startswith(start)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise SelectionError(f"{start}: no run of these results left such weights")
    listed = "\n  ".join(fitting[:_EXAMPLES])
    raise SelectionError(f"{start}: {len(fitting)} weights begin so; name one of\n  {listed}")


def _missing(digest: str, results: Results) -> str:
    runs = results.runs[results.runs[_COLUMN] == digest]
    folders = [blobs.folder_of(named.sweep.folder) for named in results.sweeps]
    on_purpose = any(blobs.WEIGHTS in left_out.read(folder) for folder in _different(folders))
    why = (
        "these results leave weights out on purpose"
        if on_purpose
        else "they are not beside the records"
    )
    return (
        f"{runs['cell'].iloc[0]}: the weights {digest[:10]} are not there: {why}; take the results "
        "from where they were made, or harness run the cell again"
    )


def _different(folders: Sequence[Path]) -> list[Path]:
    return list(dict.fromkeys(folders))
