"""Figure 2: how far classes are from each other, a square per pair."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.patches import Rectangle

from harness.analysis import merging
from harness.notebook import class_grid, colours, sources
from harness.notebook.sources import Selection
from harness.plots import MEASURES
from harness.plots.picture import MUTED, Picture, picture
from harness.publish import class_distances, page_data
from harness.publish.class_distances import MOST_PAIRED, PAIR, Distances

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHADES = LinearSegmentedColormap.from_list(
    "distances",
    ["#f1eef6", "#dcd8ea", "#c0c0de", "#9fa9cf", "#7b8cbf", "#5a6fae", "#3b5296", "#22376f"],
)
"""Those of the page, from near to far."""
_DARK = 0.5
"""The share of the scale from which on text is white."""

_SQUARE = 0.44
"""The side of a square, in inches."""
_LEFT, _TOP, _BOTTOM, _RIGHT = 0.5, 0.75, 0.5, 1.0
_LEAST = 3.4
"""The least width of a panel, for its words."""

Sizes = Mapping[tuple[int, int], tuple[float | None, bool]]
"""Per pair of points the size, and whether they began with other weights."""


def draw(
    folders: Sequence[str | Path], *, workload: str | None, measure: str, only: Selection
) -> Picture:
    """A panel for each workload; see `harness.plots.distances`."""
    with sources.merged(folders) as merged:
        chosen = merging.selected(merged, sources.globs(only))
        parts = class_grid.parts_of(chosen.runs, workload)
        found = [(part.workload, class_distances.of_part(part, chosen)) for part in parts]
    heights = [_TOP + _SQUARE * max(_count(one), 1) + _BOTTOM for _, one in found]
    width = _LEFT + max(_LEAST, *(_SQUARE * _count(one) for _, one in found)) + _RIGHT
    figure, below = picture(width, sum(heights)), sum(heights)
    for (name, one), height in zip(found, heights, strict=True):
        below -= height
        side = _SQUARE * max(_count(one), 1)
        place = _LEFT, below + _BOTTOM, max(side, _LEAST), side
        total = width, sum(heights), width, sum(heights)
        axes = figure.add_axes(tuple(a / b for a, b in zip(place, total, strict=True)))  # type: ignore[arg-type]
        axes.set_title(name, loc="left", fontsize=11, weight="bold", pad=28)
        _panel(axes, one, measure)
    return figure


def _count(distances: Distances) -> int:
    return min(len(distances.points), MOST_PAIRED)


def _panel(axes: Axes, distances: Distances, measure: str) -> None:
    axes.set_axis_off()
    axes.title.set_visible(True)
    sizes = _sizes(distances, measure)
    if not any(size is not None for size, _ in sizes.values()):
        axes.text(0, 0.5, _why_nothing(distances), fontsize=9, color=MUTED, va="center")
        return
    count = _count(distances)
    width = max(count, _LEAST / _SQUARE)
    axes.set_xlim(0, width)
    axes.set_ylim(count, 0)
    positive = [size for size, _ in sizes.values() if size]
    norm = _powers(positive)
    _squares(axes, sizes, norm)
    _names(axes, distances.points[:count])
    if positive:
        _scale(axes, norm, count / width)
    axes.text(0, count + 0.35, _words(measure, sizes), fontsize=7.5, color=MUTED, va="top")


def _powers(sizes: Sequence[float]) -> LogNorm:
    """A scale between whole powers of ten, so that its ends can be read."""
    low = math.floor(math.log10(min(sizes, default=0.1)))
    high = math.ceil(math.log10(max(sizes, default=1.0)))
    return LogNorm(10.0**low, 10.0 ** max(high, low + 1))


def _sizes(distances: Distances, measure: str) -> Sizes:
    size, origin = 2 + PAIR.index(measure), 2 + PAIR.index("origin")
    return {
        (int(str(pair[0])), int(str(pair[1]))): (
            None if pair[size] is None else abs(float(str(pair[size]))),
            str(pair[origin]).startswith("other start"),
        )
        for pair in distances.pairs
        if int(str(pair[1])) < MOST_PAIRED
    }


def _squares(axes: Axes, sizes: Sizes, norm: LogNorm) -> None:
    for (one, other), (size, other_start) in sizes.items():
        share = float(norm(size)) if size else 0.0
        face = _SHADES(share) if size else "white"
        text = ("?" if size is None else _short(size)) + ("°" if other_start else "")
        ink = "white" if size and share > _DARK else "#111"
        for x, y in ((one, other), (other, one)):
            axes.add_patch(Rectangle((x, y), 1, 1, facecolor=face, edgecolor="white", linewidth=1))
            axes.text(x + 0.5, y + 0.5, text, fontsize=6.5, color=ink, ha="center", va="center")


def _short(size: float) -> str:
    if size == 0 or 0.01 <= size < 1000:
        return f"{size:.2g}" if size < 100 else f"{size:.0f}"
    return (
        f"{size:.0e}".replace("e+0", "e")
        .replace("e-0", "e−")
        .replace("e+", "e")
        .replace("e-", "e−")
    )


def _names(axes: Axes, points: Sequence[page_data.Json]) -> None:
    for place, point in enumerate(points):
        unstable = page_data.is_unstable(point["class"])
        name = f"{colours.UNSTABLE_MARK}{point['cell'] + 1}" if unstable else point["class"]
        look = colours.of_class(point["class"])
        axes.add_patch(Rectangle((place, place), 1, 1, facecolor="#f4f2ee", edgecolor="white"))
        box = {"facecolor": look.fill, "edgecolor": "none", "boxstyle": "round,pad=0.25"}
        style: dict[str, Any] = {"fontsize": 8, "weight": "bold", "color": look.text, "bbox": box}
        axes.text(place + 0.5, -0.45, name, ha="center", va="center", **style)
        axes.text(-0.5, place + 0.5, name, ha="center", va="center", **style)


def _scale(axes: Axes, norm: LogNorm, share: float) -> None:
    bar = axes.inset_axes((share + 0.04 * share, 0, 0.14 / (_LEAST if share < 1 else 6), 1))
    axes.figure.colorbar(ScalarMappable(norm, _SHADES), cax=bar)
    bar.minorticks_off()
    bar.tick_params(labelsize=7, length=2)


def _words(measure: str, sizes: Sizes) -> str:
    starts = any(other for _, other in sizes.values())
    return MEASURES[measure] + ("; °: other initial weights" if starts else "")


def _why_nothing(distances: Distances) -> str:
    if len(distances.points) < 2:
        return "fewer than two classes: nothing is apart"
    return "unknown: what is measured was not stored beside the records"
