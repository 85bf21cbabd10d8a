"""The comparison table with the sizes of the differences, read from the stored arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from harness.analysis import nudged_cells, parameters
from harness.analysis.array_differences import TensorDifference, Unmatched
from harness.analysis.cell_comparison import Cell, Pair, Row, described
from harness.analysis.columns import frame_of, names
from harness.analysis.comparison_columns import COMPARISON_COLUMNS, TENSOR_COLUMNS
from harness.analysis.comparison_verdicts import COMPARABLE, VERDICTS
from harness.analysis.merging import MergedResults
from harness.analysis.model_differences import Difference, Model, difference, model_of
from harness.results import blobs

MOST_SIZED = 2_000
"""Differences that are computed, of models that differ: some seconds for the reference models."""

_SIZES = ("max_abs", "max_ulp", "relative_l2", "differing", "elements", "sign_changes")
_WEIGHTS = (*_SIZES, "not_finite")


class Sizes:
    """The difference of two cells' first completed runs; equal pairs of models are read once."""

    def __init__(self, merged: MergedResults) -> None:
        self._folders = merged.folders
        self._nudged = nudged_cells.by_cell(merged.runs)
        self._computed: dict[tuple[str, ...], Difference] = {}

    def of(self, pair: Pair) -> Difference | None:
        """The difference; None where a side has no weights, or too many were computed before.

        Raises:
            RecordError: stored arrays are damaged.
        """
        assert pair.baseline is not None and pair.compared is not None
        first, second = self._model(pair.baseline), self._model(pair.compared)
        key = tuple(
            digest for model in (first, second) for digest in (*model.digests, *model.regime)
        )
        if key not in self._computed:
            if len(self._computed) >= MOST_SIZED:
                return None
            self._computed[key] = difference(first, second)
        return self._computed[key]

    def nudged(self, baseline: Cell) -> Difference | None:
        """How far one weight moved by one ULP leads from a cell; None where no cell shows it.

        Raises:
            RecordError: stored arrays are damaged.
        """
        nudged = self._nudged.get(nudged_cells.key(baseline))
        if nudged is None:
            return None
        machine = str(baseline["machine"])
        pair = Pair(baseline=baseline, compared=nudged, baseline_machine=machine, machine=machine)
        return self.of(pair)

    def _model(self, cell: Cell) -> Model:
        """The cell's model, with the blobs of the folder that has them."""
        folders = self._folders[(str(cell["matrix"]), str(cell["machine"]))]
        return model_of(cell, folder_with_weights(folders, str(cell["weights_sha256"])))


def folder_with_weights(sweeps: Sequence[Path], sha256: str) -> Path:
    """Of the folders of one sweep's parts the one beside which these weights lie."""
    holding = (
        sweep
        for sweep in sweeps
        if (blobs.folder_of(sweep) / blobs.WEIGHTS / f"{sha256}.npz").exists()
    )
    return next(holding, sweeps[0])


def comparison(pairs: Sequence[Pair], sizes: Sizes) -> pd.DataFrame:
    """One row per pair; see `COMPARISON_COLUMNS`. The largest difference first, identical last.

    Raises:
        RecordError: stored arrays are damaged.
    """
    rows = [_row(pair, sizes) for pair in pairs]
    own = parameters.of_names(name for row in rows[:1] for name in row)
    listed = pd.DataFrame(rows, columns=[*names(COMPARISON_COLUMNS), *own])
    frame = frame_of(listed, COMPARISON_COLUMNS, own)
    rank = frame["verdict"].map({name: place for place, name in enumerate(VERDICTS)})
    order = pd.DataFrame({"rank": rank, "size": -frame["relative_l2"].fillna(0.0)})
    ordered = frame.loc[order.sort_values(["rank", "size"], kind="stable").index]
    return frame_of(ordered.reset_index(drop=True), COMPARISON_COLUMNS, own)


def _row(pair: Pair, sizes: Sizes) -> Row:
    row = described(pair)
    if row["verdict"] not in COMPARABLE:
        return row
    sized = sizes.of(pair)
    if sized is None:
        return {**row, "reason": f"more than {MOST_SIZED:,} different models: choose with --only"}
    row.update(
        origin=sized.origin.kind,
        origin_at=sized.origin.where,
        value_difference=sized.value,
        reason=sized.missing,
    )
    if sized.weights is not None:
        row.update({name: getattr(sized.weights, name) for name in (*_WEIGHTS, "matched_by")})
        row["unmatched"] = len(sized.weights.unmatched)
        row["nudges"] = _nudges(sized.weights.relative_l2, pair, sizes)
    if sized.predictions is not None:
        row.update({name: getattr(sized.predictions, name) for name in _PREDICTED})
    return row


def _nudges(relative_l2: float, pair: Pair, sizes: Sizes) -> float | None:
    assert pair.baseline is not None
    nudged = sizes.nudged(pair.baseline)
    if nudged is None or nudged.weights is None or not nudged.weights.relative_l2:
        return None
    return relative_l2 / nudged.weights.relative_l2


_PREDICTED = ("churn", "largest", "unit")


def by_tensor(pairs: Sequence[Pair], sizes: Sizes) -> pd.DataFrame:
    """One row per tensor of each pair that differs; see `TENSOR_COLUMNS`.

    Raises:
        RecordError: stored arrays are damaged.
    """
    rows: list[Row] = []
    for pair in pairs:
        row = described(pair)
        if row["verdict"] in COMPARABLE and (sized := sizes.of(pair)) and sized.weights:
            if not sized.weights.differing and not sized.weights.unmatched:
                continue
            rows.extend({**row, **tensor} for tensor in _tensors(sized))
    return frame_of(pd.DataFrame(rows, columns=names(TENSOR_COLUMNS)), TENSOR_COLUMNS)


def _tensors(sized: Difference) -> Iterator[dict[str, Any]]:
    assert sized.weights is not None
    yield from (_of_tensor(tensor) for tensor in sized.weights.tensors)
    yield from (_of_unmatched(tensor) for tensor in sized.weights.unmatched)


def _of_tensor(tensor: TensorDifference) -> dict[str, Any]:
    fields = asdict(tensor)
    dtypes = dict.fromkeys((tensor.dtype, tensor.other_dtype))
    return {
        **{name: fields[name] for name in (*_WEIGHTS, "matched_by")},
        "tensor": tensor.name,
        "tensor_here": tensor.other_name,
        "shape": _shape(tensor.shape),
        "tensor_dtype": " → ".join(dtypes),
    }


def _of_unmatched(tensor: Unmatched) -> dict[str, Any]:
    only_in_second = tensor.only_in == "second"
    return {
        "tensor": None if only_in_second else tensor.name,
        "tensor_here": tensor.name if only_in_second else None,
        "shape": _shape(tensor.shape),
        "tensor_dtype": tensor.dtype,
    }


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "1"
