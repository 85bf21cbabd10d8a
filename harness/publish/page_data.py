"""What the page needs to draw: per workload its axes, cells and classes, as plain JSON values.

Cells are stored by column and by number, so that ten thousand of them stay small.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from harness.analysis import unequal_results
from harness.analysis.axis_values import in_order, shown
from harness.analysis.cell_table import by_cell
from harness.analysis.class_letters import UNSTABLE, class_letters
from harness.analysis.varied_axes import VariedAxis, asked_axes
from harness.protocol.axes import BY_NAME
from harness.results.statuses import STATUSES

Json = dict[str, Any]
ClassTables = Mapping[str, pd.DataFrame]
"""The class table of a workload's cells of each matrix, by the name of the matrix."""

_FILLED = ("keras", "numpy", "engine")


@dataclass(frozen=True, kw_only=True)
class Part:
    """The cells of one workload, in the order of the page; `axes` tell every two of them apart."""

    workload: str
    cells: pd.DataFrame
    axes: tuple[VariedAxis, ...]


def parts(runs: pd.DataFrame) -> list[Part]:
    """The cells by workload, with the letters of their initial weights in a column `init`."""
    cells = by_cell(runs)
    init = class_letters(cells["workload"], cells["init_sha256"]).str.lower()
    cells = cells.assign(init=init.where(cells["distinct_init"] == 1))
    groups = cells.groupby("workload", sort=False)
    return [
        Part(
            workload=str(name),
            cells=part.reset_index(drop=True),
            axes=_axes(part.reset_index(drop=True)),
        )
        for name, part in groups
    ]


def _axes(cells: pd.DataFrame) -> tuple[VariedAxis, ...]:
    axes = asked_axes(_completed(cells))
    if cells["matrix"].nunique() > 1:
        axes.append(_axis("matrix", cells["matrix"]))
    codes = pd.DataFrame({str(place): axis.codes for place, axis in enumerate(axes)})
    if len(cells) > 1 and (codes.empty or codes.duplicated().any()):
        axes.append(_axis("cell", cells["cell"]))
    return tuple(axes)


def _axis(name: str, column: pd.Series[str]) -> VariedAxis:
    values, ordered = in_order(name, sorted({str(value) for value in column}))
    codes = column.map({value: i for i, value in enumerate(values)}).to_numpy(dtype=np.int64)
    return VariedAxis(name=name, values=values, ordered=ordered, codes=codes)


def _completed(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells with versions that are known only where something ran given to those beside them.

    Otherwise a cell that is pending would have another, unknown Keras, and Keras would vary.
    """
    filled: pd.DataFrame = cells.copy()
    for name in _FILLED:
        keys = ["machine"] if name == "engine" else ["python", "tensorflow"]
        groups = filled.groupby(keys, dropna=False)[name]
        shared = groups.transform("first").where(groups.transform("nunique") == 1)
        filled[name] = filled[name].fillna(shared)
    return filled


def of_part(part: Part, classes: pd.DataFrame, by_matrix: ClassTables, shard: int) -> Json:
    """One workload; `classes` are its rows of that table, `by_matrix` those of each matrix.

    `shard` is the number of its first cell among all cells: the page finds the details by it.
    """
    cells = part.cells
    names = list(classes["class"])
    return {
        "name": part.workload,
        "first": shard,
        "matrix": most_completed(cells),
        "axes": [_axis_json(axis) for axis in part.axes],
        "classes": [_class_json(row, by_matrix) for _, row in classes.iterrows()],
        "metric": next(iter(cells["metric"].dropna()), ""),
        "cells": {
            "id": cells["cell"].tolist(),
            "matrix": _interned(cells["matrix"]),
            "machine": _interned(cells["machine"]),
            "codes": [axis.codes.tolist() for axis in part.axes],
            "class": [
                names.index(name) if name in names else -1 for name in _texts(cells["class"])
            ],
            "status": [_status(row) for row in cells[list(STATUSES)].to_numpy()],
            "verdict": _texts(cells["verdict"]),
            "differing": _interned(unequal_results.differing(cells)),
            "init": _texts(cells["init"]),
            "emulated": cells["emulated"].astype(int).tolist(),
            "loss": _numbers(cells["loss"]),
            "value": _numbers(cells["value"]),
            "reason": _interned(cells["reason"]),
        },
    }


def most_completed(cells: pd.DataFrame) -> str:
    """The matrix with most completed runs among these cells, the first of several."""
    return str(cells.groupby("matrix", sort=False)["completed"].sum().idxmax())


def _axis_json(axis: VariedAxis) -> Json:
    catalogued = BY_NAME.get(axis.name)
    return {
        "name": axis.name,
        "values": [shown(value) for value in axis.values],
        "ordered": axis.ordered,
        "with": list(axis.followers),
        "sentence": catalogued.sentence if catalogued else "",
    }


def _class_json(row: pd.Series[Any], by_matrix: ClassTables) -> Json:
    return {
        "name": row["class"],
        "cells": int(row["cells"]),
        "where": _where(str(row["class"]), by_matrix),
        "same": row["same_for"],
        "init": row["init"],
        "weights": "" if pd.isna(row["weights_sha256"]) else row["weights_sha256"],
        "distinct": int(row["distinct"]),
    }


def _where(name: str, by_matrix: ClassTables) -> dict[str, str]:
    """What a class is in each matrix that has it."""
    found = {
        matrix: table.loc[table["class"] == name, "where"] for matrix, table in by_matrix.items()
    }
    return {matrix: str(own.iloc[0]) for matrix, own in found.items() if len(own)}


def _status(counts: Sequence[int]) -> list[int]:
    """`[place, number, place, number…]` of the statuses that occur, the most frequent first."""
    present = sorted(((int(n), -place) for place, n in enumerate(counts) if n), reverse=True)
    return [number for n, place in present for number in (-place, n)]


def _texts(column: pd.Series[str]) -> list[str]:
    return ["" if pd.isna(value) else str(value) for value in column]


def _numbers(column: pd.Series[float]) -> list[float | None]:
    """Exact decimals; what is no finite number is null, and its record says what it is."""
    return [float(value) if math.isfinite(value) else None for value in column]


def _interned(column: pd.Series[str]) -> Json:
    codes, texts = pd.factorize(pd.Series(_texts(column), dtype="object"))
    return {"texts": list(texts), "codes": codes.tolist()}


def is_unstable(name: str) -> bool:
    """Whether a class is that of the cells whose own runs differ."""
    return name == UNSTABLE
