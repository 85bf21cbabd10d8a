"""Letters for equal hashes: A, B, C…, Z, AA…, the most frequent hash first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

Numbers = npt.NDArray[np.int64]

UNSTABLE = "unstable"
"""Stands for the letter where a cell's own runs differ."""


def class_letter(number: int) -> str:
    """The letter of a number from 0: A to Z, then AA, AB…"""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def class_letters(workload: pd.Series[str], sha256: pd.Series[str]) -> pd.Series[str]:
    """A letter per row: equal hashes of a workload get the same one, missing hashes none.

    Within a workload A is the hash that most rows have; of equally frequent ones that of the
    earlier row.
    """
    places = np.flatnonzero(sha256.notna().to_numpy())
    workloads = pd.factorize(workload.iloc[places])[0]
    hashes = pd.factorize(sha256.iloc[places])[0]
    both = workloads * (hashes.max(initial=0) + 1) + hashes
    # Numbered in the order of the first row that has them.
    number, pairs = pd.factorize(both)
    ranks = _ranks(pairs // (hashes.max(initial=0) + 1), np.bincount(number))
    names = np.array(
        [class_letter(rank) for rank in range(ranks.max(initial=-1) + 1)], dtype=object
    )
    own = np.full(len(workload), None, dtype=object)
    own[places] = names[ranks[number]] if len(places) else None
    column: pd.Series[str] = pd.Series(own, index=workload.index, dtype="string")
    return column


def _ranks(workloads: Numbers, sizes: Numbers) -> Numbers:
    """The rank of each hash within its workload, from 0, by size and then by number."""
    order = np.lexsort((np.arange(len(sizes)), -sizes, workloads))
    first = np.searchsorted(workloads[order], workloads[order])
    ranks = np.empty(len(sizes), dtype=np.int64)
    ranks[order] = np.arange(len(sizes)) - first
    return ranks
