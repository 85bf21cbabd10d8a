"""Cells whose runs left equal weights and other results all the same."""

from __future__ import annotations

import pandas as pd

from harness.analysis.columns import BESIDE_WEIGHTS

RESULTS = tuple(name for name in BESIDE_WEIGHTS if name != "printed")
"""What is looked at. What is printed differs for many reasons that say nothing of the results."""


def differing(cells: pd.DataFrame) -> pd.Series[str]:
    """Per cell of a cell table what differs although the weights are stable: `history, outputs`.

    Empty where nothing does.
    """
    stable = (cells["verdict"] == "stable").fillna(False)
    texts = pd.Series("", index=cells.index, dtype=object)
    for name in RESULTS:
        apart = stable & (cells[f"verdict_{name}"] == "unstable").fillna(False)
        texts[apart] = texts[apart].map(lambda text, name=name: f"{text}, {name}".lstrip(", "))
    return texts


def sentences(cells: pd.DataFrame) -> list[str]:
    """`weights equal, outputs differ: 2 cells, such as ID`, for each thing that differs."""
    said = []
    texts = differing(cells)
    for text in sorted(set(texts) - {""}):
        ids = cells.loc[texts == text, "cell"]
        such = f"{len(ids):,} cells, such as {ids.iloc[0]}" if len(ids) > 1 else ids.iloc[0]
        said.append(f"weights equal, {_verbed(text)}: {such}")
    return said


def sentences_between(compared: pd.DataFrame) -> list[str]:
    """The same for the pairs of a comparison of cells."""
    apart = compared[compared["beside"].fillna("") != ""]
    return [
        f"weights equal to the baseline's, {_verbed(str(text))}: {_such(its)}"
        for text, its in apart.groupby("beside")
    ]


def _such(cells: pd.DataFrame) -> str:
    first = cells.iloc[0]
    one = f"{first['cell']} on {first['machine']}"
    return f"{len(cells):,} cells, such as {one}" if len(cells) > 1 else one


def _verbed(text: str) -> str:
    return f"{_listed(text)} {'differ' if ',' in text or text != 'history' else 'differs'}"


def _listed(text: str) -> str:
    first, comma, last = text.rpartition(", ")
    return f"{first} and {last}" if comma else text
