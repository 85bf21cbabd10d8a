"""What results say to do, per workload, in sentences; never more than was observed.

What was measured by another matrix or on another device is another finding, and what is counted on
several machines is counted on each of them: sums of unlike cells would say nothing of either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import pandas as pd
from packaging.version import Version

from harness.analysis import axis_examples, axis_table, cell_comparison, price_table
from harness.analysis.axis_examples import Examples
from harness.analysis.cell_table import by_cell
from harness.analysis.merging import MergedResults
from harness.analysis.varied_axes import assignments, settings_of, shared
from harness.protocol.axes import BY_NAME
from harness.wording import counted

_SETTABLE = frozenset(BY_NAME) - {"device", "seed"}
_RELEASE = ("tensorflow", "python", "numpy", "keras", "onednn", "contraction_kernel")
"""What changes with the release of TensorFlow, or by what it finds."""


@dataclass(frozen=True, kw_only=True)
class Advice:
    """A sentence, and the one or two cells that show it, if any do."""

    text: str
    cells: Examples = ()


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one matrix says of one workload on one device.

    `headline` says all that matters in one sentence; `lines` say it at length, the most pressing
    first. With `by_machine` the first of them says it machine by machine, which the headline does
    not.
    """

    workload: str
    matrix: str
    device: str
    headline: Advice
    lines: tuple[Advice, ...]
    by_machine: bool


def findings(merged: MergedResults) -> list[Finding]:
    """What these results say, workload by workload; of those without weights nothing."""
    ran = merged.runs[merged.runs["workload"].isin(_with_weights(merged.runs))]
    keys = ["workload", "matrix", "device"]
    groups = ran.groupby(keys, sort=False)
    cells = dict(iter(by_cell(ran).groupby(keys, sort=False)))
    found = (
        _finding(_only(merged, part), cells[key].reset_index(drop=True), *key)
        for key, part in groups
        if part["weights_sha256"].notna().any()
    )
    order = {name: place for place, name in enumerate(ran["workload"].unique())}
    return sorted(found, key=lambda each: order[each.workload])


def text(found: Sequence[Finding], measured: Mapping[str, Sequence[str]] | None = None) -> str:
    """The findings as they are printed, each below its workload; `measured` are more sentences
    of a workload.
    """
    several = len({(each.matrix, each.device) for each in found}) > 1
    more = dict(measured or {})
    blocks = []
    for each in found:
        where = f" ({each.matrix}, {each.device})" if several else ""
        lines = [*(line.text for line in each.lines), *more.pop(each.workload, ())]
        blocks.append(f"{each.workload}{where}\n" + "".join(f"  {line}\n" for line in lines))
    return "\n".join(blocks)


def _with_weights(runs: pd.DataFrame) -> set[str]:
    return set(runs.loc[runs["weights_sha256"].notna(), "workload"])


def _only(merged: MergedResults, runs: pd.DataFrame) -> MergedResults:
    """These runs, and the machines that they ran on."""
    present = set(runs["machine"])
    machines = {name: one for name, one in merged.machines.items() if name in present}
    return replace(merged, runs=runs.reset_index(drop=True), machines=machines)


def _finding(
    merged: MergedResults, cells: pd.DataFrame, workload: str, matrix: str, device: str
) -> Finding:
    ran = cells[cells["distinct"] > 0]
    effects = axis_table.of_cells(ran)
    repeated = _repetition(ran)
    causes = _causes(effects)
    lines = [
        repeated,
        *_remedies(ran, causes, merged.runs),
        *_on_other_machines(merged),
        *_releases(ran),
    ]
    return Finding(
        workload=workload,
        matrix=matrix,
        device=device,
        headline=_headline(ran, causes, effects),
        lines=tuple(lines),
        by_machine=not _unstable(ran).empty and _repeated(ran)["machine"].nunique() > 1,
    )


def _unstable(cells: pd.DataFrame) -> pd.DataFrame:
    unstable: pd.DataFrame = cells[cells["distinct"] > 1]
    return unstable


def _repeated(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells of which something is known: they completed more than one run."""
    repeated: pd.DataFrame = cells[cells["verdict"] != "untested"]
    return repeated


def _headline(cells: pd.DataFrame, causes: pd.DataFrame, effects: pd.DataFrame) -> Advice:
    tried, unstable = _repeated(cells), _unstable(cells)
    if tried.empty:
        return Advice(text="No cell was run more than once.", cells=_named(cells))
    if unstable.empty:
        return _repeatable(cells, tried, effects)
    share = f"Not repeatable in {_share(tried)}"
    if causes.empty:
        text = f"{share}; no setting that was tried prevents it."
        return Advice(text=text, cells=_named(unstable))
    set_to = zip(causes["axis"], causes["stable_at"], strict=True)
    ways = " or ".join(_way(cells, str(axis), str(value)) for axis, value in set_to)
    examples = axis_examples.divided(cells, str(causes["axis"].iloc[0]))
    return Advice(text=f"{share}: set {ways}.", cells=examples)


def _way(cells: pd.DataFrame, axis: str, value: str) -> str:
    unhelped = len(_unhelped(cells, axis, value))
    return f"{axis}={value}" + (f" (not enough in {unhelped:,})" if unhelped else "")


def _repeatable(cells: pd.DataFrame, tried: pd.DataFrame, effects: pd.DataFrame) -> Advice:
    """That it is, what changes its bits all the same, and two cells between which that was so."""
    text = f"Repeatable in {_all(tried)}"
    parts: list[str] = []
    examples: Examples = ()
    for word in ("always", "sometimes"):
        axes = effects.loc[effects["changes_bits"] == word, "axis"].tolist()
        parts += [f"{' and '.join(axes)} ({word})"] if axes else []
        examples = examples or (axis_examples.differing(cells, axes[0]) if axes else ())
    changed = f"; its bits changed with {', '.join(parts)}" if parts else ""
    return Advice(text=f"{text}{changed}.", cells=examples)


def _named(cells: pd.DataFrame) -> Examples:
    return tuple(axis_examples.named(row) for _, row in cells.head(1).iterrows())


def _all(cells: pd.DataFrame) -> str:
    per_machine = int(cells["machine"].value_counts().max())
    return f"{'all' if per_machine > 1 else 'the'} {_count(cells)}"


def _count(cells: pd.DataFrame) -> str:
    """`53 cells on each of 2 machines`, or on how many of each."""
    sizes = cells["machine"].value_counts(sort=False)
    if len(sizes) > 1 and sizes.nunique() == 1:
        return f"{counted(int(sizes.iloc[0]), 'cell')} on each of {len(sizes)} machines"
    return counted(len(cells), "cell") + (f" on {len(sizes)} machines" if len(sizes) > 1 else "")


def _share(tried: pd.DataFrame) -> str:
    """How many cells are unstable, of how many: `6 to 7 of 39 cells on each of 2 machines`."""
    sizes = tried["machine"].value_counts(sort=False)
    counts = _unstable(tried)["machine"].value_counts()
    own = [int(counts.get(name, 0)) for name in sizes.index]
    if sizes.nunique() > 1:
        return f"{sum(own):,} of {_count(tried)}"
    number = f"{own[0]:,}" if len(set(own)) == 1 else f"{min(own):,} to {max(own):,}"
    return f"{number} of {_count(tried)}"


def _repetition(cells: pd.DataFrame) -> Advice:
    tried, unstable = _repeated(cells), _unstable(cells)
    if tried.empty:
        return Advice(
            text="No cell was run more than once, so nothing is known of whether it repeats itself."
        )
    if unstable.empty:
        number = _count(tried)
        which = f"all {number} that were" if len(tried) > 1 else f"the {number} that was"
        if set(cells["seeding"].dropna()) == {"all"}:
            said = f"With seeding=all it repeated itself in {which} repeated; that was enough."
            return Advice(text=said)
        return Advice(text=f"It repeated itself in {which} repeated; nothing need be set for that.")
    text = f"It did not repeat itself in {len(unstable):,} of {counted(len(tried), 'cell')}"
    return Advice(text=f"{text}{_by_machine(tried, unstable)}.", cells=_named(unstable))


def _by_machine(tried: pd.DataFrame, unstable: pd.DataFrame) -> str:
    """` (7 of 39 on this machine, 6 of 39 on that)`, where there are several."""
    sizes = tried["machine"].value_counts(sort=False)
    if len(sizes) < 2:
        return ""
    own = unstable["machine"].value_counts()
    parts = [f"{int(own.get(name, 0))} of {size} on {name}" for name, size in sizes.items()]
    return f" ({', '.join(parts)})"


def _causes(effects: pd.DataFrame) -> pd.DataFrame:
    """The axes that divide unstable from stable cells and that one can set; the surest first."""
    can_be_set = effects["axis"].isin(list(BY_NAME))
    causes: pd.DataFrame = effects[can_be_set & (effects["unstable_at"] != "")]
    ordered: pd.DataFrame = causes.sort_values("divided", ascending=False, kind="stable")
    return ordered


def _remedies(cells: pd.DataFrame, causes: pd.DataFrame, runs: pd.DataFrame) -> Iterator[Advice]:
    # Prices take a while where there are many cells, and most sweeps need none.
    prices = pd.DataFrame() if causes.empty else price_table.by_price(runs)
    for row in causes.itertuples():
        price = _price(prices, str(row.axis), str(row.stable_at))
        pairs = counted(int(str(row.divided)), "pair")
        yield Advice(
            text=f"Set {row.axis}={row.stable_at}: with {row.unstable_at} it is unstable, all else"
            f" equal ({pairs}){price}.",
            cells=axis_examples.divided(cells, str(row.axis)),
        )
        unhelped = _unhelped(cells, str(row.axis), str(row.stable_at))
        if len(unhelped):
            number = counted(len(unhelped), "cell")
            yield Advice(
                text=f"That was not enough in {number} with {row.axis}={row.stable_at}, such as"
                f" {unhelped['cell'].iloc[0]}.",
                cells=_named(unhelped),
            )
    if causes.empty and len(_unstable(cells)):
        yield Advice(
            text="No one setting divides unstable cells from stable ones; "
            "harness why --stable asks."
        )


def _unhelped(cells: pd.DataFrame, axis: str, value: str) -> pd.DataFrame:
    """The cells that are unstable although they have this value."""
    unstable = _unstable(cells)
    has = unstable[axis].astype("string").fillna("") == value
    unhelped: pd.DataFrame = unstable[has]
    return unhelped


def _price(prices: pd.DataFrame, axis: str, value: str) -> str:
    rows = prices[prices["setting"] == f"{axis}={value}"]
    if rows.empty:
        return ""
    row = rows.iloc[0]
    pairs = counted(int(row["pairs"]), "pair")
    spread = f"{row['fit_low']:.2f} to {row['fit_high']:.2f}, " if row["pairs"] > 1 else ""
    return f"; it took {row['fit_ratio']:.2f} times as long ({spread}{pairs})"


def _on_other_machines(merged: MergedResults) -> Iterator[Advice]:
    machines = list(merged.machines)
    if len(machines) < 2:
        return
    pairs = cell_comparison.pairs(merged, cell_comparison.Baseline(machine=machines[0]))
    verdicts = [(pair, cell_comparison.verdict(pair)) for pair in pairs]
    same = [pair for pair, verdict in verdicts if verdict == "identical"]
    other = [pair for pair, verdict in verdicts if verdict == "different"]
    if not same and not other:
        return
    shown = [cell for pair in other[:1] for cell in (pair.baseline, pair.compared) if cell]
    yield Advice(
        text=f"On {counted(len(machines), 'machine')} {len(same)} of"
        f" {counted(len(same) + len(other), 'common cell')} left the same bits.",
        cells=tuple(axis_examples.named(pd.Series(cell)) for cell in shown),
    )
    common = _common(_baselines(other), _baselines(same)) if other and same else ""
    if common:
        yield Advice(text=f"Those that did not have {common} in common.")


def _baselines(pairs: Iterable[cell_comparison.Pair]) -> pd.DataFrame:
    cells: pd.DataFrame = pd.DataFrame([dict(one.baseline) for one in pairs if one.baseline])
    return cells


def _common(cells: pd.DataFrame, others: pd.DataFrame) -> str:
    """What these cells share, the others do not all have, and is no default."""
    everywhere = shared(others)
    values = {
        name: value
        for name, value in shared(cells).items()
        if name in _SETTABLE and everywhere.get(name) != value
    }
    return assignments(values)


def _releases(cells: pd.DataFrame) -> Iterator[Advice]:
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
    text = f"Of {len(ordered)} releases no two neighbours left the same bits, {like}."
    if together:
        rest = "; every other release its own" if len(together) < len(families) else ""
        text = f"Releases that left the same bits, {like}: {what}{rest}."
    yield Advice(text=text, cells=_named(largest))


def _span(releases: Sequence[str]) -> str:
    return f"{releases[0]}–{releases[-1]}"
