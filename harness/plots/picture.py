"""A matplotlib figure: shown by a notebook, never in a window, and equal for equal input."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

MUTED = "#77716a"
_TIMES: dict[str, dict[str, None]] = {
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
    "ps": {"CreationDate": None},
}
"""What would put the time of day into a file of this kind."""


class Picture(Figure):
    """A figure that belongs to no window: a notebook shows it once, also without pyplot."""

    def savefig(self, fname: Any, **options: Any) -> None:
        """Write it, as every figure does; a file has no time of its writing in it."""
        kind = options.get("format") or Path(str(fname)).suffix.removeprefix(".")
        if kind in _TIMES:
            options.setdefault("metadata", _TIMES[kind])
        with mpl.rc_context({"svg.hashsalt": "reproducibility-harness"}):
            super().savefig(fname, **options)

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()


def picture(width: float, height: float) -> Picture:
    """An empty picture, in inches."""
    return Picture(figsize=(width, height), dpi=110, facecolor="white")
