"""Letters for equal hashes: A, B, C…, Z, AA…, the most frequent hash first."""

from __future__ import annotations

import pandas as pd

UNSTABLE = "unstable"
"""Stands for the letter where a cell's own runs differ."""


def letter(number: int) -> str:
    """The letter of a number from 0: A to Z, then AA, AB…"""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def letters(workload: pd.Series[str], sha256: pd.Series[str]) -> pd.Series[str]:
    """A letter per row: equal hashes of a workload get the same one, missing hashes none.

    Within a workload A is the hash that most rows have; of equally frequent ones that of the
    earlier row.
    """
    known = sha256.notna()
    rows = pd.DataFrame({"workload": workload[known], "sha256": sha256[known]})
    rows["place"] = range(len(rows))
    sizes = rows.groupby(["workload", "sha256"], sort=False)["place"].agg(["size", "first"])
    ranked = sizes.sort_values(["size", "first"], ascending=[False, True])
    number = ranked.groupby(level="workload", sort=False).cumcount().rename("number")
    numbers = rows.join(number, on=["workload", "sha256"])["number"]
    names = {value: letter(int(value)) for value in numbers.unique()}
    found: pd.Series[str] = numbers.map(names).reindex(workload.index).astype("string")
    return found
