"""Seeds that change nothing are said."""

from __future__ import annotations

import pandas as pd
import pytest

from harness.analysis import seed_effect


def cells(rows: list[tuple[str, int, str, str]]) -> pd.DataFrame:
    """Cells of one sweep: workload, seed, weights, verdict."""
    table = pd.DataFrame(rows, columns=["workload", "seed", "weights_sha256", "verdict"])
    names = table["workload"] + ",tf,seed=" + table["seed"].astype("string")
    made: pd.DataFrame = table.assign(cell=names, matrix="m", machine="here")
    return made


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("own", 1, "a", "stable"), ("own", 2, "a", "stable")], 1),
        ([("own", 1, "a", "stable"), ("own", 2, "b", "stable")], 0),
        ([("own", 1, "a", "stable"), ("own", 2, "a", "unstable")], 0),
        ([("own", 1, "a", "stable"), ("other", 2, "a", "stable")], 0),
        ([("own", 1, "a", "stable")], 0),
        ([("own", 1, "a", "untested"), ("own", 2, "a", "untested")], 1),
        ([("own", 1, "a", "untested"), ("own", 2, "b", "untested")], 0),
        ([], 0),
    ],
)
def test_only_seeds_that_were_varied_in_vain(
    rows: list[tuple[str, int, str, str]], said: int
) -> None:
    sentences = seed_effect.sentences(cells(rows))
    assert len(sentences) == said and all("own" in each for each in sentences)
