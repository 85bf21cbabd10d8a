"""How far apart the classes of a workload are, from the stored weights; precomputed for the page.

The number of pairs is bounded: the largest classes are compared each with each, the others with
the largest only, and beyond that not at all. The page says which.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from harness.analysis import model_differences, nudged_cells
from harness.analysis.array_differences import TensorDifference, WeightsDifference
from harness.analysis.comparison_table import folder_with_weights
from harness.analysis.merging import MergedResults
from harness.analysis.model_differences import Model
from harness.publish.page_data import Json, Part, is_unstable

MOST_PAIRED = 16
MOST_COMPARED = 64


@dataclass(frozen=True, kw_only=True)
class Distances:
    """`points` are what was compared: classes by name and unstable cells' first runs.

    `pairs` has per pair `[point, point, sizes…]`, `tensors` their per-tensor tables in the same
    order; `nudges` has `[cell, sizes…]` of cells and the same with one weight nudged by one ULP;
    `note` says what was left out, and why.
    """

    points: list[Json]
    pairs: list[list[object]]
    nudges: list[list[object]]
    tensors: list[list[list[object]]]
    note: str


PAIR = ("relative_l2", "max_ulp", "max_abs", "differing", "elements", "churn", "metric", "origin")
"""What the page knows of a pair, after its two points; `churn` is in series units for forecasts."""

TENSOR = ("name", "shape", "relative_l2", "max_ulp", "max_abs", "differing", "elements", "other")


def of_part(part: Part, merged: MergedResults) -> Distances:
    """The distances between the classes of one workload.

    Raises:
        RecordError: stored arrays are damaged.
    """
    points, models = _points(part, merged)
    pairs: list[list[object]] = []
    tensors: list[list[list[object]]] = []
    missing = False
    for one, other in _wanted(len(models)):
        difference = model_differences.difference(models[one], models[other])
        if difference.weights is None:
            missing = True
            continue
        pairs.append([one, other, *_sizes(difference, difference.weights)])
        tensors.append(_tensors(difference.weights))
    return Distances(
        points=points,
        pairs=pairs,
        nudges=list(_nudges(part, merged)),
        tensors=tensors,
        note=_note(part, len(models), missing=missing),
    )


def _nudges(part: Part, merged: MergedResults) -> Iterator[list[object]]:
    """How far one weight moved by one ULP leads, once for each pair of models, and bounded."""
    nudged = nudged_cells.by_cell(merged.runs[merged.runs["workload"] == part.workload])
    seen: set[tuple[str, str]] = set()
    for place, row in part.cells.iterrows() if nudged else ():
        other = nudged.get(nudged_cells.key({name: row[name] for name in part.cells.columns}))
        if other is None or row["distinct"] != 1 or row["nudge"] == other["nudge"]:
            continue
        models = str(row["weights_sha256"]), str(other["weights_sha256"])
        if models in seen or len(seen) >= MOST_PAIRED:
            continue
        seen.add(models)
        one, two = (
            model_differences.model_of(each, _folder(each, merged)) for each in (row, other)
        )
        difference = model_differences.difference(one, two)
        if difference.weights is not None:
            yield [int(str(place)), *_sizes(difference, difference.weights)]


def _points(part: Part, merged: MergedResults) -> tuple[list[Json], list[Model]]:
    """One cell of each class, the largest class first; then unstable cells, by themselves."""
    cells = part.cells[part.cells["distinct"] > 0]
    settled = cells[cells["distinct"] == 1].drop_duplicates("weights_sha256")
    order = settled["class"].map(lambda name: (len(name), name))
    settled = settled.loc[order.sort_values(kind="stable").index]
    chosen = pd.concat([settled, cells[cells["distinct"] > 1]]).head(MOST_COMPARED)
    points = [
        {"class": row["class"], "cell": int(str(place)) if is_unstable(row["class"]) else None}
        for place, row in chosen.iterrows()
    ]
    return points, [
        model_differences.model_of(row, _folder(row, merged)) for _, row in chosen.iterrows()
    ]


def _folder(row: Mapping[str, Any] | pd.Series[Any], merged: MergedResults) -> Path:
    folders = merged.folders[str(row["matrix"]), str(row["machine"])]
    return folder_with_weights(folders, str(row["weights_sha256"]))


def _wanted(count: int) -> Iterator[tuple[int, int]]:
    for one in range(min(count, MOST_PAIRED)):
        yield from ((one, other) for other in range(one + 1, min(count, MOST_PAIRED)))
    if count > MOST_PAIRED:
        yield from ((0, other) for other in range(MOST_PAIRED, count))


def _sizes(difference: model_differences.Difference, weights: WeightsDifference) -> list[object]:
    predictions = difference.predictions
    changed = None
    if predictions is not None:
        changed = predictions.churn if predictions.churn is not None else predictions.largest
    return [
        _finite(weights.relative_l2),
        weights.max_ulp,
        _finite(weights.max_abs),
        weights.differing,
        weights.elements,
        changed,
        _finite(difference.value),
        str(difference.origin),
    ]


def _finite(value: float | None) -> float | None:
    """None for what JSON has no number for."""
    return value if value is not None and abs(value) < float("inf") else None


def _tensors(weights: WeightsDifference) -> list[list[object]]:
    rows = [_tensor(tensor) for tensor in weights.tensors]
    alone: list[list[object]] = [
        [one.name, list(one.shape), None, None, None, None, None, f"only in the {one.only_in}"]
        for one in weights.unmatched
    ]
    return [*rows, *alone]


def _tensor(tensor: TensorDifference) -> list[object]:
    return [
        tensor.name,
        list(tensor.shape),
        _finite(tensor.relative_l2),
        tensor.max_ulp,
        _finite(tensor.max_abs),
        tensor.differing,
        tensor.elements,
        tensor.other_name if tensor.other_name != tensor.name else "",
    ]


def _note(part: Part, compared: int, *, missing: bool) -> str:
    cells = part.cells[part.cells["distinct"] > 0]
    several = int((cells["distinct"] > 1).sum())
    every = int(cells.loc[cells["distinct"] == 1, "weights_sha256"].nunique()) + several
    notes: list[str] = []
    if every > MOST_PAIRED:
        notes.append(
            f"The first {MOST_PAIRED} of {every} classes and unstable cells are compared each with "
            f"each, the next {max(0, compared - MOST_PAIRED)} with class A only."
        )
    if missing:
        notes.append("Some weights were not stored with the records, so their distance is unknown.")
    return " ".join(notes)


def tensor_tables(all_distances: Sequence[Distances]) -> list[Json]:
    """What the page loads when a per-tensor table is asked for."""
    return [{"columns": list(TENSOR), "tensors": distances.tensors} for distances in all_distances]
