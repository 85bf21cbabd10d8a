"""A badge that says in a line what was found, as an SVG image that needs nothing else."""

from __future__ import annotations

from html import escape

import pandas as pd

_LABEL = "reproducibility"
_CHARACTER = 6.6
"""The mean width of a character at 11 pixels, generous: no fonts are measured here."""


def sentence(cells: pd.DataFrame) -> str:
    """`42 of 45 cells stable · 6 classes`; cells that ran once only are not counted as stable."""
    stable = int((cells["verdict"] == "stable").sum())
    settled = cells[cells["distinct"] == 1]
    classes = int(settled.groupby("workload")["class"].nunique().sum())
    noun = "class" if classes == 1 else "classes"
    return f"{stable:,} of {len(cells):,} cells stable · {classes:,} {noun}"


def badge(cells: pd.DataFrame) -> str:
    """The SVG; green where every cell is stable, grey where none is, yellow between."""
    text = sentence(cells)
    stable = int((cells["verdict"] == "stable").sum())
    colour = "#26734d" if stable == len(cells) else "#5c5c5c" if stable == 0 else "#7a5c00"
    left, right = (round(len(part) * _CHARACTER) + 14 for part in (_LABEL, text))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{escape(f"{_LABEL}: {text}")}">\n'
        f"<title>{escape(f'{_LABEL}: {text}')}</title>\n"
        f'<rect width="{left + right}" height="20" rx="3" fill="#333"/>\n'
        f'<path d="M{left} 0h{right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{right - 3}z" '
        f'fill="{colour}"/>\n'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" '
        'text-anchor="middle">\n'
        f'<text x="{left / 2}" y="14" textLength="{left - 14}">{escape(_LABEL)}</text>\n'
        f'<text x="{left + right / 2}" y="14" textLength="{right - 14}">{escape(text)}</text>\n'
        "</g>\n</svg>\n"
    )
