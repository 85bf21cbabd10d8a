"""Which columns of a frame people read, and how their values look.

CSV and JSON have everything, exactly. A terminal, Markdown and LaTeX have what varies or matters:
short hashes, nine digits, one reason once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pandas as pd

from harness.analysis.axis_values import in_order, shown
from harness.analysis.columns import BESIDE_WEIGHTS
from harness.analysis.metric_units import label
from harness.analysis.varied_axes import asked_axes, settings_of
from harness.publish import claim_view, price_view
from harness.publish.shown import Shown, column, count, exact, formatted, short, signed, text
from harness.publish.table_kinds import Kind, kind_of

WEIGHTS, LOSS, METRIC = 1, 2, 3
"""Ranks of what goes last where a table does not fit; everything else that may go is above."""

NOT_RUN = ("unavailable", "excluded", "pending")


def layout(frame: pd.DataFrame, *, ids: bool = False) -> list[Shown]:
    """The columns to show of this frame, or of a part of it; with `ids`, those of its cells."""
    columns = _LAYOUTS[kind_of(frame)](frame)
    return _with_ids(frame, columns) if ids else columns


def _with_ids(frame: pd.DataFrame, columns: list[Shown]) -> list[Shown]:
    """The ids of cells in place of what says the same in words."""
    name = "cell_ids" if "cell_ids" in frame else "cell"
    if name not in frame:
        return columns
    replaced = {"where", "same_for", "cell", *settings_of(frame)} - {"machine"}
    own = _cell_ids(frame) if name == "cell_ids" else column(frame, name)
    rest = [one for one in columns if one.name not in replaced]
    first = next((n for n, one in enumerate(rest) if one.name not in _BEFORE_IDS), len(rest))
    return [*rest[:first], own, *rest[first:]]


def _cell_ids(frame: pd.DataFrame) -> Shown:
    """The ids of the cells of classes, without matrix and machine where there is one of each."""
    places = {one.rpartition("/")[0] for ids in frame["cell_ids"] for one in ids}
    start = len(places.pop()) + 1 if len(places) == 1 else 0
    values = tuple(" ".join(one[start:] for one in ids) for ids in frame["cell_ids"])
    return Shown(name="cell_ids", header="ids", values=values)


_BEFORE_IDS = ("matrix", "workload", "machine", "class", "cells", "emulated")


def _varying(frame: pd.DataFrame) -> list[str]:
    """The settings that have more than one known value here."""
    return [name for name in settings_of(frame) if frame[name].dropna().nunique() > 1]


def _several(frame: pd.DataFrame, name: str) -> bool:
    return bool(frame[name].dropna().nunique() > 1)


def _place(frame: pd.DataFrame) -> list[Shown]:
    """The columns that say which cell a row is about."""
    names = [name for name in ("matrix", "workload") if _several(frame, name)]
    leading = [axis.name for axis in asked_axes(frame)]
    settings = [_setting(frame, name, 0 if name in leading else 6) for name in _varying(frame)]
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
        column(frame, "init_sha256", "init", rank=4 if _several(frame, "init_sha256") else 7),
        column(frame, "weights_sha256", "weights", rank=WEIGHTS),
        column(frame, "loss", rank=LOSS),
        column(frame, "value", _metric(frame), rank=METRIC),
    ]


def _scripts(frame: pd.DataFrame) -> list[Shown]:
    """What users' scripts set themselves, and where runs share a folder; nothing without them."""
    columns = []
    if (frame["set_by_script"].fillna("") != "").any():
        columns.append(column(frame, "set_by_script", "set by script", rank=4))
    kept = (frame["working_folder"] == "kept").fillna(False)
    if kept.any():
        folders = tuple("kept" if each else "" for each in kept)
        columns.append(Shown(name="working_folder", header="folder", values=folders, rank=4))
    return columns


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
        *_scripts(frame),
        column(frame, "predictions_sha256", "predictions", rank=8),
        column(frame, "fit_s", rank=5),
        column(frame, "total_s", rank=9),
    ]


def _of_cells(frame: pd.DataFrame) -> list[Shown]:
    unstable = (frame["distinct"] > 1).any()
    return [
        *_place(frame),
        *_emulated(frame),
        *_outcome(frame),
        column(frame, "runs"),
        *([column(frame, "distinct", rank=5)] if unstable else []),
        column(frame, "verdict"),
        *_verdicts_beside(frame),
        column(frame, "class"),
        *_results(frame),
        *_scripts(frame),
    ]


def _verdicts_beside(frame: pd.DataFrame) -> list[Shown]:
    """The verdicts on what lies beside the weights, where they say something else than theirs."""
    names = (f"verdict_{name}" for name in BESIDE_WEIGHTS)
    telling = (name for name in names if (frame[name] != frame["verdict"]).fillna(False).any())
    return [column(frame, name, name.removeprefix("verdict_")) for name in telling]


def _of_models(frame: pd.DataFrame) -> list[Shown]:
    optional = ("model_name", "process")
    given = [name for name in optional if (frame[name].fillna("") != "").any()]
    return [
        *([column(frame, "machine", rank=1)] if _several(frame, "machine") else []),
        *_place(frame.assign(machine=None)),
        column(frame, "repeat"),
        column(frame, "model"),
        *(column(frame, name, rank=3) for name in given),
        column(frame, "fit"),
        *([column(frame, "steps", rank=4)] if frame["steps"].notna().any() else []),
        column(frame, "init_sha256", "init", rank=2),
        column(frame, "weights_sha256", "weights"),
        column(frame, "history_sha256", "history", rank=1),
    ]


def _of_classes(frame: pd.DataFrame) -> list[Shown]:
    streams = [column(frame, "init", rank=4)] if _several(frame, "init") else []
    holds = (frame["same_for"] != "").any()
    same = [column(frame, "same_for", "same bits for", rank=5)] if holds else []
    return [
        *([column(frame, "workload")] if _several(frame, "workload") else []),
        column(frame, "class"),
        column(frame, "cells"),
        *([column(frame, "emulated")] if (frame["emulated"] > 0).any() else []),
        column(frame, "where"),
        *same,
        *streams,
        _digest(frame),
        Shown(name="loss", header="loss", values=_span(frame, "loss"), numeric=True, rank=LOSS),
        Shown(
            name="value",
            header=_metric(frame),
            values=_span(frame, "value"),
            numeric=True,
            rank=METRIC,
        ),
    ]


def _digest(frame: pd.DataFrame) -> Shown:
    """The hash of what the classes are of, or of unstable cells how many there are."""
    name = next(name for name in frame.columns if name.endswith("_sha256"))
    hashes = (text(name, value) for value in frame[name])
    pairs = zip(hashes, frame["distinct"], strict=True)
    values = tuple(sha256 or f"{distinct} different" for sha256, distinct in pairs)
    return Shown(name=name, header=name.removesuffix("_sha256"), values=values, rank=WEIGHTS)


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
        *([column(frame, "origin_at", "from", rank=3)] if _several(frame, "origin_at") else []),
        *_sizes(frame),
        *([] if cells or not _several(frame, "unlike") else [_unlike(frame)]),
    ]


def _unlike(frame: pd.DataFrame) -> Shown:
    return column(frame, "unlike", "not equal", rank=6)


def _origin(frame: pd.DataFrame) -> Shown:
    origins = tuple(text("origin", one).removeprefix("other ") for one in frame["origin"])
    return Shown(name="origin", header="other", values=origins, rank=4)


def _sizes(frame: pd.DataFrame) -> list[Shown]:
    """The sizes of differences, short; with a column for what some rows have only."""
    shown_sizes = [
        formatted(frame, "max_abs", "max abs", short, rank=5),
        formatted(frame, "max_ulp", "max ULP", count, rank=2),
        formatted(frame, "relative_l2", "rel. L2", short),
    ]
    if "nudges" in frame and frame["nudges"].notna().any():
        shown_sizes.append(formatted(frame, "nudges", "× one ULP", short, rank=2))
    if frame["churn"].notna().any():
        shown_sizes.append(formatted(frame, "churn", "churn", lambda v: f"{100 * v:.2f} %"))
    if frame["largest"].notna().any():
        unit = next(iter(frame["unit"].dropna()), "")
        shown_sizes.append(formatted(frame, "largest", f"forecast, {unit}", short))
    shown_sizes.append(
        formatted(frame, "value_difference", f"Δ {_metric_of(frame)}", signed, rank=1)
    )
    if "unmatched" in frame and (frame["unmatched"].fillna(0) > 0).any():
        shown_sizes.append(formatted(frame, "unmatched", "without partner", count))
    return shown_sizes


def _metric_of(frame: pd.DataFrame) -> str:
    return label(_metric(frame)) if "metric" in frame else "metric"


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
        formatted(frame, "max_abs", "max abs", short),
        formatted(frame, "max_ulp", "max ULP", count),
        formatted(frame, "relative_l2", "rel. L2", short),
        formatted(frame, "differing", "differ", count),
        formatted(frame, "elements", "of", count),
        formatted(frame, "sign_changes", "signs", count, rank=3),
    ]


def _of_machines(frame: pd.DataFrame) -> list[Shown]:
    counts = ("identical", "different", "unstable", "only_here", "only_in_baseline", "nowhere")
    return [
        *([column(frame, "machine", rank=1)] if _several(frame, "machine") else []),
        column(frame, "workload"),
        column(frame, "cells"),
        *(column(frame, name, name.replace("_", " ")) for name in counts if frame[name].any()),
        formatted(frame, "max_ulp", "max ULP", count, rank=2),
        formatted(frame, "relative_l2", "rel. L2", short),
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
        formatted(frame, "mean", f"mean {'' if several else _metric_of(frame)}".strip(), exact),
        formatted(frame, "sd", "sd", short),
        formatted(frame, "range", "range", short, rank=1),
        *([*_tests(frame), column(frame, "test", rank=5)] if tested else []),
    ]


def _tests(frame: pd.DataFrame) -> list[Shown]:
    ends = zip(frame["low"], frame["high"], strict=True)
    spans = tuple("" if pd.isna(a) else f"{signed(a)} … {signed(b)}" for a, b in ends)
    return [
        formatted(frame, "difference", "difference", signed),
        Shown(name="low", header="95 % interval", values=spans, numeric=True, rank=3),
        formatted(frame, "p_adjusted", "p (Holm)", short),
        formatted(frame, "p_permutation", "p perm.", short, rank=2),
    ]


def _of_anything(frame: pd.DataFrame) -> list[Shown]:
    return [column(frame, name) for name in frame.columns]


_LAYOUTS: dict[Kind, Callable[[pd.DataFrame], list[Shown]]] = {
    "runs": _of_runs,
    "cells": _of_cells,
    "classes": _of_classes,
    "models": _of_models,
    "axes": _of_axes,
    "claims": claim_view.layout,
    "prices": price_view.layout,
    "comparison": _of_comparison,
    "tensors": _of_tensors,
    "machines": _of_machines,
    "spread": _of_spread,
    "plain": _of_anything,
}
