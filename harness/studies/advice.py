"""What results say to do, per workload, in sentences; never more than was observed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

import pandas as pd
from packaging.version import Version

from harness.analysis import axis_table, cell_comparison, price_table
from harness.analysis.cell_table import by_cell
from harness.analysis.merging import MergedResults
from harness.analysis.varied_axes import assignments, settings_of, shared
from harness.protocol.axes import BY_NAME
from harness.wording import counted

_SETTABLE = frozenset(BY_NAME) - {"device", "seed"}
_RELEASE = ("tensorflow", "python", "numpy", "keras", "onednn", "contraction_kernel")
"""What changes with the release of TensorFlow, or by what it finds."""


def sentences(merged: MergedResults) -> dict[str, list[str]]:
    """What to do for each workload, the most pressing first."""
    cells = by_cell(merged.runs)
    effects, prices = axis_table.of_cells(cells), price_table.by_price(merged.runs)
    advice = {}
    for workload, part in cells[cells["distinct"] > 0].groupby("workload", sort=False):
        own = effects[effects["workload"] == workload], prices[prices["workload"] == workload]
        advice[str(workload)] = [
            *_repeatable(part, *own),
            *_on_other_machines(merged, str(workload)),
            *_releases(part),
        ]
    return advice


def text(advice: Mapping[str, Sequence[str]]) -> str:
    """The sentences as they are printed, below their workload."""
    return "\n".join(
        f"{workload}\n" + "".join(f"  {line}\n" for line in lines)
        for workload, lines in advice.items()
    )


def _repeatable(cells: pd.DataFrame, effects: pd.DataFrame, prices: pd.DataFrame) -> Iterator[str]:
    counts = cells["verdict"].value_counts()
    stable, unstable = (int(counts.get(name, 0)) for name in ("stable", "unstable"))
    if not stable + unstable:
        yield "No cell was run more than once, so nothing is known of whether it repeats itself."
        return
    tried = counted(stable + unstable, "cell")
    if not unstable:
        which = f"all {tried} that were" if stable > 1 else f"the {tried} that was"
        if set(cells["seeding"].dropna()) == {"all"}:
            yield f"With seeding=all it repeated itself in {which} repeated; that was enough."
        else:
            yield f"It repeated itself in {which} repeated; nothing need be set for that."
        return
    yield f"It did not repeat itself in {unstable} of {tried}."
    can_be_set = effects["axis"].isin(list(BY_NAME))
    causes = effects[can_be_set & (effects["unstable_at"] != "")]
    causes = causes.sort_values("divided", ascending=False)
    for row in causes.itertuples():
        price = _price(prices, str(row.axis), str(row.stable_at))
        pairs = counted(int(row.divided), "pair")
        yield (
            f"Set {row.axis}={row.stable_at}: with {row.unstable_at} it is unstable, all else equal"
            f" ({pairs}){price}."
        )
    if causes.empty:
        yield "No one setting divides unstable cells from stable ones; harness why --stable asks."


def _price(prices: pd.DataFrame, axis: str, value: str) -> str:
    rows = prices[prices["setting"] == f"{axis}={value}"]
    if rows.empty:
        return ""
    row = rows.iloc[0]
    spread = f"{row['fit_low']:.2f} to {row['fit_high']:.2f}"
    pairs = counted(int(row["pairs"]), "pair")
    return f"; it took {row['fit_ratio']:.2f} times as long ({spread}, {pairs})"


def _on_other_machines(merged: MergedResults, workload: str) -> Iterator[str]:
    machines = list(merged.machines)
    if len(machines) < 2:
        return
    baseline = cell_comparison.Baseline(machine=machines[0])
    verdicts = [
        (pair, cell_comparison.verdict(pair))
        for pair in cell_comparison.pairs(merged, baseline)
        if (pair.compared or pair.baseline or {}).get("workload") == workload
    ]
    same = [pair for pair, verdict in verdicts if verdict == "identical"]
    other = [pair for pair, verdict in verdicts if verdict == "different"]
    if not same and not other:
        return
    yield (
        f"On {counted(len(machines), 'machine')} {len(same)} of"
        f" {counted(len(same) + len(other), 'common cell')} left the same bits."
    )
    cells = [pair.baseline for pair in other if pair.baseline]
    common = _common(pd.DataFrame(cells)) if cells and same else ""
    if common:
        yield f"Those that did not have {common} in common."


def _common(cells: pd.DataFrame) -> str:
    """What these cells share and is no default."""
    values = {name: value for name, value in shared(cells).items() if name in _SETTABLE}
    return assignments(values)


def _releases(cells: pd.DataFrame) -> Iterator[str]:
    """Which releases left the same bits, in the settings that were tried with most of them."""
    settled = cells[cells["distinct"] == 1]
    if settled["tensorflow"].nunique() < 2:
        return
    others = [name for name in settings_of(settled) if name not in _RELEASE]
    keys = settled[others].astype("string").fillna("").agg("|".join, axis="columns")
    groups = sorted(settled.groupby(keys), key=lambda each: -each[1]["tensorflow"].nunique())
    if not groups or groups[0][1]["tensorflow"].nunique() < 2:
        return
    largest = groups[0][1]
    by_release = {
        str(version): frozenset(part["class"])
        for version, part in largest.groupby("tensorflow", sort=False)
    }
    ordered = sorted(by_release, key=Version)
    families = [list(its) for _, its in groupby(ordered, key=by_release.__getitem__)]
    together = [each for each in families if len(each) > 1]
    what = ", ".join(_span(each) for each in together)
    like = f"all else as in {largest['cell'].iloc[0]}"
    if not together:
        yield f"Of {len(ordered)} releases no two neighbours left the same bits, {like}."
        return
    rest = "; every other release its own" if len(together) < len(families) else ""
    yield f"Releases that left the same bits, {like}: {what}{rest}."


def _span(releases: Sequence[str]) -> str:
    return f"{releases[0]}–{releases[-1]}"
