"""Which columns of a frame people read, and how their values look.

CSV and JSON have everything, exactly. A terminal, Markdown and LaTeX have what varies or matters:
short hashes, nine digits, one reason once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from harness.analysis.axis_values import in_order, shown
from harness.analysis.metric_units import label
from harness.analysis.varied_axes import SETTINGS, asked_axes

Kind = Literal[
    "runs", "cells", "classes", "axes", "comparison", "tensors", "machines", "spread", "plain"
]

HASH_DIGITS = 10
NOT_RUN = ("unavailable", "excluded", "pending")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One column as people see it.

    `rank` 0 stays whatever the width, higher ranks are left out first; `wraps` may be folded.
    """

    name: str
    header: str
    values: tuple[str, ...]
    numeric: bool = False
    rank: int = 0
    wraps: bool = False


def kind_of(frame: pd.DataFrame) -> Kind:
    """Which table this is, told by its columns."""
    names = set(frame.columns)
    for kind, telling in _TELLING.items():
        if telling in names:
            return kind
    if {"class", "where"} <= names:
        return "classes"
    if {"verdict", *SETTINGS} <= names:
        return "cells"
    if {"repeat", "weights_sha256", *SETTINGS} <= names:
        return "runs"
    return "plain"


_TELLING: dict[Kind, str] = {
    "axes": "changes_bits",
    "comparison": "unstable_on",
    "tensors": "tensor_here",
    "machines": "only_in_baseline",
    "spread": "p_permutation",
}
"""The column that only this table has."""


def layout(frame: pd.DataFrame) -> list[Shown]:
    """The columns to show of this frame, or of a part of it."""
    return _LAYOUTS[kind_of(frame)](frame)


def text(name: str, value: object) -> str:
    """A value as people read it: nothing for what is missing, the start of a hash."""
    if isinstance(value, list | tuple):
        return " ".join(str(part) for part in value)
    if pd.isna(value):  # type: ignore[call-overload]
        return ""
    if name.endswith("_sha256"):
        return str(value)[:HASH_DIGITS]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.2f}" if name.endswith("_s") else f"{value:.9g}"
    return str(value)


def column(frame: pd.DataFrame, name: str, header: str = "", rank: int = 0) -> Shown:
    """A column of the frame as it is."""
    values = tuple(text(name, value) for value in frame[name])
    return Shown(
        name=name,
        header=header or name,
        values=values,
        numeric=pd.api.types.is_numeric_dtype(frame[name].dtype) and frame[name].dtype != bool,
        rank=rank,
        wraps=name in _WRAPPING,
    )


_WRAPPING = {
    *("reason", "where", "same_for", "values", "cell", "why", "every_cell", "status", "cell_ids"),
    *("audit", "unlike", "group", "test", "explained_by", "how", "found", "asked"),
}


def _varying(frame: pd.DataFrame) -> list[str]:
    """The settings that have more than one known value here."""
    return [name for name in SETTINGS if frame[name].dropna().nunique() > 1]


def _several(frame: pd.DataFrame, name: str) -> bool:
    return bool(frame[name].dropna().nunique() > 1)


def _place(frame: pd.DataFrame) -> list[Shown]:
    """The columns that say which cell a row is about."""
    names = [name for name in ("matrix", "workload") if _several(frame, name)]
    leading = [axis.name for axis in asked_axes(frame)]
    settings = [_setting(frame, name, 0 if name in leading else 3) for name in _varying(frame)]
    return [*(column(frame, name) for name in names), *settings]


def _setting(frame: pd.DataFrame, name: str, rank: int) -> Shown:
    texts = column(frame, name).values
    values = tuple(shown(value) if value or name == "env" else "" for value in texts)
    return Shown(name=name, header=name, values=values, numeric=_counts(name, values), rank=rank)


def _counts(name: str, values: Sequence[str]) -> bool:
    return in_order(name, [value for value in values if value])[1] and "." not in "".join(values)


def _emulated(frame: pd.DataFrame) -> list[Shown]:
    """Which rows imitate a smaller CPU, where some do."""
    if not frame["emulated"].any():
        return []
    marks = tuple("emulated" if one else "" for one in frame["emulated"])
    return [Shown(name="emulated", header="emulated", values=marks)]


def _results(frame: pd.DataFrame) -> list[Shown]:
    return [
        column(frame, "init_sha256", "init", rank=2 if _several(frame, "init_sha256") else 4),
        column(frame, "weights_sha256", "weights"),
        column(frame, "loss", rank=1),
        column(frame, "value", _metric(frame), rank=2),
    ]


def _metric(frame: pd.DataFrame) -> str:
    """The metric's name, if all rows have the same."""
    values = frame["metric"].dropna().unique()
    return str(values[0]) if len(values) == 1 else "value"


def _outcome(frame: pd.DataFrame) -> list[Shown]:
    unfinished = (frame["status"] != "completed").any()
    return [column(frame, "status")] if unfinished else []


def _of_runs(frame: pd.DataFrame) -> list[Shown]:
    return [
        *_place(frame),
        *_emulated(frame),
        column(frame, "repeat"),
        *_outcome(frame),
        *_results(frame),
        column(frame, "predictions_sha256", "predictions", rank=5),
        column(frame, "fit_s", rank=3),
        column(frame, "total_s", rank=6),
    ]


def _of_cells(frame: pd.DataFrame) -> list[Shown]:
    unstable = (frame["distinct"] > 1).any()
    return [
        *_place(frame),
        *_emulated(frame),
        *_outcome(frame),
        column(frame, "runs"),
        *([column(frame, "distinct", rank=3)] if unstable else []),
        column(frame, "verdict"),
        column(frame, "class"),
        *_results(frame),
    ]


def _of_classes(frame: pd.DataFrame) -> list[Shown]:
    streams = [column(frame, "init")] if _several(frame, "init") else []
    same = [column(frame, "same_for", "same bits for")] if (frame["same_for"] != "").any() else []
    return [
        *([column(frame, "workload")] if _several(frame, "workload") else []),
        column(frame, "class"),
        column(frame, "cells"),
        *([column(frame, "emulated")] if (frame["emulated"] > 0).any() else []),
        column(frame, "where"),
        *same,
        *streams,
        Shown(name="weights_sha256", header="weights", values=_weights(frame), rank=1),
        Shown(name="loss", header="loss", values=_span(frame, "loss"), numeric=True, rank=2),
        Shown(
            name="value",
            header=_metric(frame),
            values=_span(frame, "value"),
            numeric=True,
            rank=3,
        ),
    ]


def _weights(frame: pd.DataFrame) -> tuple[str, ...]:
    """The hash, or of unstable cells how many there are."""
    hashes = (text("weights_sha256", value) for value in frame["weights_sha256"])
    pairs = zip(hashes, frame["distinct"], strict=True)
    return tuple(sha256 or f"{distinct} different" for sha256, distinct in pairs)


def _span(frame: pd.DataFrame, name: str) -> tuple[str, ...]:
    """One number where smallest and largest agree, else both, shorter."""
    spans = []
    for low, high in zip(frame[f"{name}_min"], frame[f"{name}_max"], strict=True):
        both = low == high or pd.isna(low)
        spans.append(text(name, float(low)) if both else f"{low:.5g}…{high:.5g}")
    return tuple(spans)


def _of_axes(frame: pd.DataFrame) -> list[Shown]:
    counts = ("pairs", "differ", "differ_init", "same", "unstable", "divided")
    optional = ("follows", "no_effect", "unstable_at", "stable_at")
    return [
        column(frame, "workload"),
        column(frame, "axis"),
        *(column(frame, name, _AXES[name]) for name in optional if (frame[name] != "").any()),
        replace(column(frame, "values"), values=tuple(map(few, frame["values"]))),
        column(frame, "changes_bits", "changes bits"),
        *(column(frame, name) for name in counts),
    ]


_AXES = {
    **{"follows": "together with", "no_effect": "found equal"},
    **{"unstable_at": "unstable at", "stable_at": "stable at"},
}


def few(values: str, width: int = 48) -> str:
    """A list of values; the first and the last, or their number, where it is wider."""
    parts = values.split(", ")
    if len(values) <= width:
        return values
    ends = f"{parts[0]} … {parts[-1]}"
    return ends if len(ends) <= width else f"{len(parts)} values"


def _of_comparison(frame: pd.DataFrame) -> list[Shown]:
    place = _place(frame.assign(machine=None)) or [column(frame, "cell")]
    cells = bool((frame["baseline"] != frame["cell"]).fillna(False).any())
    return [
        *([column(frame, "machine")] if _several(frame, "machine") else []),
        *place,
        *_emulated(frame),
        *([column(frame, "verdict")] if _several(frame, "verdict") else []),
        *([_origin(frame)] if _several(frame, "origin") else []),
        *_sizes(frame),
        *([] if cells else [column(frame, "unlike", "not equal", rank=6)]),
    ]


def _origin(frame: pd.DataFrame) -> Shown:
    origins = tuple(text("origin", one).removeprefix("another ") for one in frame["origin"])
    return Shown(name="origin", header="another", values=origins, rank=4)


def _sizes(frame: pd.DataFrame) -> list[Shown]:
    """The sizes of differences, short; with a column for what some rows have only."""
    shown_sizes = [
        _formatted(frame, "max_abs", "max abs", _short, rank=5),
        _formatted(frame, "max_ulp", "max ULP", _count, rank=1),
        _formatted(frame, "relative_l2", "rel. L2", _short),
    ]
    if frame["churn"].notna().any():
        shown_sizes.append(_formatted(frame, "churn", "churn", lambda v: f"{100 * v:.2f} %"))
    if frame["largest"].notna().any():
        unit = next(iter(frame["unit"].dropna()), "")
        shown_sizes.append(_formatted(frame, "largest", f"forecast, {unit}", _short))
    shown_sizes.append(
        _formatted(frame, "value_difference", f"Δ {_metric_of(frame)}", _signed, rank=2)
    )
    if "unmatched" in frame and (frame["unmatched"].fillna(0) > 0).any():
        shown_sizes.append(_formatted(frame, "unmatched", "without partner", _count))
    return shown_sizes


def _metric_of(frame: pd.DataFrame) -> str:
    return label(_metric(frame)) if "metric" in frame else "metric"


def _formatted(
    frame: pd.DataFrame, name: str, header: str, form: Callable[[float], str], rank: int = 0
) -> Shown:
    values = tuple("" if pd.isna(value) else form(value) for value in frame[name])
    return Shown(name=name, header=header, values=values, numeric=True, rank=rank)


def _short(value: float) -> str:
    return "0" if value == 0 else f"{value:.2g}"


def _count(value: float) -> str:
    return f"{value:,}" if value < 1_000_000 else f"{value:.1e}"


def _signed(value: float) -> str:
    return "0" if value == 0 else f"{value:+.2g}"


def _of_tensors(frame: pd.DataFrame) -> list[Shown]:
    renamed = bool((frame["tensor"] != frame["tensor_here"]).fillna(True).any())
    return [
        *([column(frame, "workload")] if _several(frame, "workload") else []),
        *([column(frame, "machine", rank=1)] if _several(frame, "machine") else []),
        *([column(frame, "cell")] if _several(frame, "cell") else []),
        column(frame, "tensor"),
        *([column(frame, "tensor_here", "here")] if renamed else []),
        column(frame, "shape"),
        column(frame, "tensor_dtype", "dtype", rank=2),
        _formatted(frame, "max_abs", "max abs", _short),
        _formatted(frame, "max_ulp", "max ULP", _count),
        _formatted(frame, "relative_l2", "rel. L2", _short),
        _formatted(frame, "differing", "differ", _count),
        _formatted(frame, "elements", "of", _count),
        _formatted(frame, "sign_changes", "signs", _count, rank=3),
    ]


def _of_machines(frame: pd.DataFrame) -> list[Shown]:
    counts = ("identical", "different", "unstable", "only_here", "only_in_baseline", "nowhere")
    return [
        *([column(frame, "machine", rank=1)] if _several(frame, "machine") else []),
        column(frame, "workload"),
        column(frame, "cells"),
        *(column(frame, name, name.replace("_", " ")) for name in counts if frame[name].any()),
        _formatted(frame, "max_ulp", "max ULP", _count, rank=2),
        _formatted(frame, "relative_l2", "rel. L2", _short),
        *_sizes(frame)[3:],
    ]


def _of_spread(frame: pd.DataFrame) -> list[Shown]:
    tested = bool(frame["p"].notna().any())
    several = _several(frame, "metric")
    return [
        *(_place(frame.assign(seed=None)) or [column(frame, "group")]),
        *_emulated(frame),
        *([column(frame, "metric")] if several else []),
        column(frame, "observations", "n"),
        column(frame, "of", "of", rank=4),
        _formatted(frame, "mean", f"mean {'' if several else _metric_of(frame)}".strip(), _exact),
        _formatted(frame, "sd", "sd", _short),
        _formatted(frame, "range", "range", _short, rank=1),
        *([*_tests(frame), column(frame, "test", rank=5)] if tested else []),
    ]


def _tests(frame: pd.DataFrame) -> list[Shown]:
    ends = zip(frame["low"], frame["high"], strict=True)
    spans = tuple("" if pd.isna(a) else f"{_signed(a)} … {_signed(b)}" for a, b in ends)
    return [
        _formatted(frame, "difference", "difference", _signed),
        Shown(name="low", header="95 % interval", values=spans, numeric=True, rank=3),
        _formatted(frame, "p_adjusted", "p (Holm)", _short),
        _formatted(frame, "p_permutation", "p perm.", _short, rank=2),
    ]


def _exact(value: float) -> str:
    return f"{value:.5g}"


def _of_anything(frame: pd.DataFrame) -> list[Shown]:
    return [column(frame, name) for name in frame.columns]


_LAYOUTS: dict[Kind, Callable[[pd.DataFrame], list[Shown]]] = {
    "runs": _of_runs,
    "cells": _of_cells,
    "classes": _of_classes,
    "axes": _of_axes,
    "comparison": _of_comparison,
    "tensors": _of_tensors,
    "machines": _of_machines,
    "spread": _of_spread,
    "plain": _of_anything,
}
