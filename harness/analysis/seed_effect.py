"""Seeds that change nothing: an axis that somebody varied in vain."""

from __future__ import annotations

import pandas as pd

from harness.analysis.metric_dispersion import group_of


def sentences(cells: pd.DataFrame) -> list[str]:
    """A sentence per workload whose cells left the same weights whatever their seed was.

    `cells` is the table of cells. Cells that differ in the seed only are compared, on one machine.
    """
    known = cells[(cells["verdict"] != "unstable") & cells["weights_sha256"].notna()]
    known = known.assign(group=known["cell"].map(group_of).astype("string"))
    groups = known.groupby(["workload", "matrix", "machine", "group"], sort=False)
    counted = groups.agg(seeds=("seed", "nunique"), weights=("weights_sha256", "nunique"))
    several = counted[counted["seeds"] > 1]
    vain = several.groupby("workload")["weights"].max()
    return [
        f"the seed has no effect on {workload}: cells with other seeds left the same weights"
        for workload in vain[vain == 1].index
    ]
