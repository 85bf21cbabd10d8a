"""The price table as people read it: times as ratios, with their range."""

from __future__ import annotations

import pandas as pd

from harness.publish.shown import Shown, column, formatted


def layout(frame: pd.DataFrame) -> list[Shown]:
    """The columns to show of a price table."""
    has_cpu = bool(frame["cpu_ratio"].notna().any())
    return [
        *([column(frame, "workload")] if frame["workload"].nunique() > 1 else []),
        column(frame, "setting"),
        column(frame, "against", rank=3),
        column(frame, "pairs"),
        column(frame, "alone", rank=1),
        formatted(frame, "fit_ratio", "time", _times),
        _range(frame, "fit"),
        *([formatted(frame, "cpu_ratio", "CPU time", _times)] if has_cpu else []),
        *([_range(frame, "cpu")] if has_cpu else []),
    ]


def _times(value: float) -> str:
    return f"{value:.2f}"


def _range(frame: pd.DataFrame, name: str) -> Shown:
    ends = zip(frame[f"{name}_low"], frame[f"{name}_high"], strict=True)
    spans = tuple("" if pd.isna(low) else f"{low:.2f}…{high:.2f}" for low, high in ends)
    return Shown(name=f"{name}_low", header="range", values=spans, numeric=True, rank=2)
