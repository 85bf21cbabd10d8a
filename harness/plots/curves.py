"""Figure 3: learning curves of the classes, and how far they are from that of the largest class."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.ticker import MaxNLocator

from harness.analysis import history_table
from harness.analysis.class_letters import UNSTABLE
from harness.errors import UsageError
from harness.notebook import class_grid, colours, sources
from harness.notebook.sources import Selection
from harness.plots.picture import MUTED, Picture, picture
from harness.publish.page_data import Part

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _HEIGHT = 10.0, 3.3
_MOST = 48
"""Lines that are drawn of a workload, as on the page; those of large classes first."""
_KEY = ["matrix", "machine", "cell"]
_APART = 0.07
"""The least distance of two names at the ends of lines, as a share of the height."""


@dataclass(frozen=True, kw_only=True)
class _Curve:
    """What one history of a class was, epoch by epoch."""

    name: str
    values: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class _Curves:
    workload: str
    lines: tuple[_Curve, ...]
    left_out: int

    @property
    def is_single(self) -> bool:
        return all(len(line.values) < 2 for line in self.lines)


def draw(
    folders: Sequence[str | Path], *, workload: str | None, metric: str, only: Selection
) -> Picture:
    """Two panels for each workload; see `harness.plots.learning_curves`."""
    with sources.read(folders, only) as results:
        parts = class_grid.parts_of(results.runs, workload)
        history = history_table.by_epoch(results.runs, results.sweeps)
    reported = history[history["workload"].isin([part.workload for part in parts])]
    present = list(dict.fromkeys(reported["metric"]))
    if metric not in present:
        what = f"they report {', '.join(present)}" if present else "no run reported a history"
        raise UsageError(f"metric={metric!r} is in no history of these results: {what}")
    own = reported[reported["metric"] == metric]
    every = [_curves(part, own[own["workload"] == part.workload]) for part in parts]
    return _drawn([curves for curves in every if curves.lines], metric)


def _curves(part: Part, history: pd.DataFrame) -> _Curves:
    """The different histories of each class, the largest classes first, unstable cells last."""
    classes = part.cells[part.cells["distinct"] > 0].set_index(_KEY)["class"]
    seen: dict[_Curve, None] = {}
    for key, rows in history[history["planned"]].groupby([*_KEY, "repeat"], sort=False):
        values = tuple(rows["value"].tolist())
        seen[_Curve(name=str(classes[key[:3]]), values=values)] = None
    ordered = sorted(seen, key=lambda one: (one.name == UNSTABLE, len(one.name), one.name))
    shown = tuple(ordered[:_MOST])
    return _Curves(workload=part.workload, lines=shown, left_out=len(ordered) - len(shown))


def _drawn(every: Sequence[_Curves], metric: str) -> Picture:
    figure = picture(_WIDTH, _HEIGHT * len(every))
    grid = figure.add_gridspec(
        len(every),
        2,
        left=0.085,
        right=0.955,
        wspace=0.26,
        hspace=0.48,
        top=1 - 0.4 / (_HEIGHT * len(every)),
        bottom=0.55 / (_HEIGHT * len(every)),
    )
    for row, curves in enumerate(every):
        plain, apart = (figure.add_subplot(grid[row, column]) for column in (0, 1))
        plain.set_title(curves.workload, loc="left", fontsize=11, weight="bold")
        plain.set_title(metric.replace("_", " "), loc="right", fontsize=8, color=MUTED)
        base = curves.lines[0]
        whose = f"class {base.name}" if base.name != UNSTABLE else "the first unstable run"
        apart.set_title(f"distance from {whose}", loc="right", fontsize=8, color=MUTED)
        _panel(plain, curves, curves.lines)
        _distances(apart, curves, base)
    return figure


def _distances(axes: Axes, curves: _Curves, base: _Curve) -> None:
    """On a logarithmic scale; what is equal to the last bit stands on a line below it."""
    apart = [_minus(line, base) for line in curves.lines]
    sizes = [v for line in apart for v in line.values if v > 0 and math.isfinite(v)]
    low = math.floor(math.log10(min(sizes))) if sizes else -1
    high = max(math.ceil(math.log10(max(sizes))), low + 1) if sizes else 0
    equal = low - (high - low) * 0.12
    placed = [
        _Curve(
            name=line.name,
            values=tuple(math.log10(v) if v > 0 else equal if v == 0 else v for v in line.values),
        )
        for line in apart
    ]
    _panel(axes, curves, placed)
    powers = range(low, high + 1, max(1, math.ceil((high - low) / 7)))
    ticks = [*powers] if sizes else []
    axes.set_yticks([equal, *ticks], ["equal", *(rf"$10^{{{power}}}$" for power in ticks)])
    axes.axhline(equal, color=MUTED, linewidth=0.7, zorder=0)
    axes.set_ylim(equal - (high - equal) * 0.06, high + (high - low) * 0.04)


def _minus(line: _Curve, base: _Curve) -> _Curve:
    """The absolute difference at each epoch; NaN where one has none, or no number."""
    pairs = zip(line.values, base.values, strict=False)
    # Infinite losses that are equal are no distance apart.
    values = [0.0 if one == other else abs(one - other) for one, other in pairs]
    return _Curve(name=line.name, values=tuple(values))


def _panel(axes: Axes, curves: _Curves, lines: Sequence[_Curve]) -> None:
    for line in reversed(lines):
        colour = colours.of_class(line.name).line
        if curves.is_single:
            place = _names(lines).index(line.name)
            axes.plot(
                [place] * len(line.values), list(line.values), "o", color=colour, markersize=5
            )
        else:
            dashed = line.name == UNSTABLE
            epochs = range(1, len(line.values) + 1)
            axes.plot(
                epochs,
                line.values,
                color=colour,
                marker="o",
                markersize=2.5,
                linewidth=1.0 if dashed else 1.6,
                linestyle="--" if dashed else "-",
            )
    _dress(axes, curves, lines)
    if not curves.is_single:
        _ends(axes, lines)


def _dress(axes: Axes, curves: _Curves, lines: Sequence[_Curve]) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#bbb")
    axes.tick_params(labelsize=8, color="#bbb")
    axes.grid(axis="y", color="#eee", linewidth=0.8)
    axes.set_axisbelow(True)
    more = f" ({curves.left_out} more runs are left out)" if curves.left_out else ""
    if curves.is_single:
        names = [colours.UNSTABLE_MARK if name == UNSTABLE else name for name in _names(lines)]
        axes.set_xticks(range(len(names)), names)
        axes.set_xlim(-0.6, len(names) - 0.4)
        axes.set_xlabel(f"class, after the only epoch{more}", fontsize=8, color=MUTED)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel(f"epoch{more}", fontsize=8, color=MUTED)


def _names(lines: Sequence[_Curve]) -> list[str]:
    """The classes in their order; the runs of unstable cells stand together."""
    return list(dict.fromkeys(line.name for line in lines))


def _ends(axes: Axes, lines: Sequence[_Curve]) -> None:
    """The letters at the ends of the lines; those of lines that end alike share a place."""
    low, high = axes.get_ylim()
    ends: list[tuple[float, list[str]]] = []
    named = [line for line in lines if line.name != UNSTABLE and math.isfinite(line.values[-1])]
    for line in sorted(named, key=lambda line: (line.values[-1], len(line.name), line.name)):
        height = (line.values[-1] - low) / (high - low)
        if ends and height - ends[-1][0] < _APART:
            ends[-1][1].append(line.name)
        else:
            ends.append((height, [line.name]))
    for height, names in ends:
        distinct = sorted(set(names), key=lambda name: (len(name), name))
        text = "".join(distinct) if len(distinct) < 4 else f"{distinct[0]}…{distinct[-1]}"
        axes.annotate(
            text,
            (1.005, height),
            xycoords="axes fraction",
            fontsize=7.5,
            weight="bold",
            va="center",
        )
