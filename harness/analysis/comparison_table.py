"""The comparison table with the sizes of the differences, read from the stored arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from harness.analysis.array_differences import TensorDifference, Unmatched
from harness.analysis.cell_comparison import Cell, Pair, Row, described
from harness.analysis.columns import COMPARISON_COLUMNS, TENSOR_COLUMNS, frame_of, names
from harness.analysis.comparison_verdicts import COMPARABLE, VERDICTS
from harness.analysis.merging import Gathered
from harness.analysis.model_differences import Difference, Model, difference, model_of
from harness.results import blobs

MOST_SIZED = 2_000
"""Differences that are computed, of models that differ: some seconds for the reference models."""

_SIZES = ("max_abs", "max_ulp", "relative_l2", "differing", "elements", "sign_changes")
_WEIGHTS = (*_SIZES, "not_finite")


class Sizes:
    """The difference of two cells' first completed runs; equal pairs of models are read once."""

    def __init__(self, gathered: Gathered) -> None:
        self._folders = gathered.folders
        self._known: dict[tuple[str, ...], Difference] = {}

    def of(self, pair: Pair) -> Difference | None:
        """The difference; None where a side has no weights, or too many were computed before.

        Raises:
            RecordError: stored arrays are damaged.
        """
        assert pair.baseline is not None and pair.here is not None
        first, second = self._model(pair.baseline), self._model(pair.here)
        key = tuple(
            digest
            for model in (first, second)
            for digest in (model.init_sha256, model.weights_sha256, model.predictions_sha256)
        )
        if key not in self._known:
            if len(self._known) >= MOST_SIZED:
                return None
            self._known[key] = difference(first, second)
        return self._known[key]

    def _model(self, cell: Cell) -> Model:
        """The cell's model, with the blobs of the folder that has them."""
        folders = self._folders[(str(cell["matrix"]), str(cell["machine"]))]
        return model_of(cell, _holding(folders, str(cell["weights_sha256"])))


def _holding(sweeps: Sequence[Path], sha256: str) -> Path:
    """Of the folders of one sweep's parts the one beside which these weights lie."""
    held = (
        sweep
        for sweep in sweeps
        if (blobs.folder_of(sweep) / blobs.WEIGHTS / f"{sha256}.npz").exists()
    )
    return next(held, sweeps[0])


def comparison(pairs: Sequence[Pair], sizes: Sizes) -> pd.DataFrame:
    """One row per pair; see `COMPARISON_COLUMNS`. The largest difference first, identical last.

    Raises:
        RecordError: stored arrays are damaged.
    """
    rows = [_row(pair, sizes) for pair in pairs]
    frame = frame_of(pd.DataFrame(rows, columns=names(COMPARISON_COLUMNS)), COMPARISON_COLUMNS)
    rank = frame["verdict"].map({name: place for place, name in enumerate(VERDICTS)})
    order = pd.DataFrame({"rank": rank, "size": -frame["relative_l2"].fillna(0.0)})
    ordered = frame.loc[order.sort_values(["rank", "size"], kind="stable").index]
    return frame_of(ordered.reset_index(drop=True), COMPARISON_COLUMNS)


def _row(pair: Pair, sizes: Sizes) -> Row:
    told = described(pair)
    if told["verdict"] not in COMPARABLE:
        return told
    found = sizes.of(pair)
    if found is None:
        return {**told, "reason": f"more than {MOST_SIZED:,} different models: choose with --only"}
    told.update(origin=found.origin, value_difference=found.value, reason=found.missing)
    if found.weights is not None:
        told.update({name: getattr(found.weights, name) for name in (*_WEIGHTS, "matched_by")})
        told["unmatched"] = len(found.weights.unmatched)
    if found.predictions is not None:
        told.update({name: getattr(found.predictions, name) for name in _PREDICTED})
    return told


_PREDICTED = ("churn", "largest", "unit")


def by_tensor(pairs: Sequence[Pair], sizes: Sizes) -> pd.DataFrame:
    """One row per tensor of each pair that differs; see `TENSOR_COLUMNS`.

    Raises:
        RecordError: stored arrays are damaged.
    """
    rows: list[Row] = []
    for pair in pairs:
        told = described(pair)
        if told["verdict"] in COMPARABLE and (found := sizes.of(pair)) and found.weights:
            if not found.weights.differing and not found.weights.unmatched:
                continue
            rows.extend({**told, **row} for row in _tensors(found))
    return frame_of(pd.DataFrame(rows, columns=names(TENSOR_COLUMNS)), TENSOR_COLUMNS)


def _tensors(found: Difference) -> Iterator[dict[str, Any]]:
    assert found.weights is not None
    yield from (_of_tensor(tensor) for tensor in found.weights.tensors)
    yield from (_of_unmatched(tensor) for tensor in found.weights.unmatched)


def _of_tensor(tensor: TensorDifference) -> dict[str, Any]:
    told = asdict(tensor)
    dtypes = dict.fromkeys((tensor.dtype, tensor.other_dtype))
    return {
        **{name: told[name] for name in (*_WEIGHTS, "matched_by")},
        "tensor": tensor.name,
        "tensor_here": tensor.other_name,
        "shape": _shape(tensor.shape),
        "tensor_dtype": " → ".join(dtypes),
    }


def _of_unmatched(tensor: Unmatched) -> dict[str, Any]:
    here = tensor.only_in == "second"
    return {
        "tensor": None if here else tensor.name,
        "tensor_here": tensor.name if here else None,
        "shape": _shape(tensor.shape),
        "tensor_dtype": tensor.dtype,
    }


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "1"
