"""The comparison tables at a glance: counts first, then what differs, largest first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.analysis.comparison_verdicts import COMPARABLE, FAILING, NOT_ASKED, VERDICTS
from harness.analysis.regions import Cells, describe, in_words, set_of
from harness.analysis.varied_axes import asked_axes
from harness.publish.layout import layout
from harness.publish.shown import Shown
from harness.wording import counted

_SIDES = ["baseline_machine", "machine"]
_ALONE = VERDICTS[3:]
_FROM_TRACES = ("other data order", "other random numbers", "other arithmetic")

MOST_APART = 40
"""Differing cells that are shown of a workload, the largest differences first."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """A heading with facts, the columns of a table (None: no table), and lines below it."""

    title: str
    facts: tuple[str, ...]
    columns: list[Shown] | None = None
    below: tuple[str, ...] = ()


def summary(frame: pd.DataFrame) -> Iterator[str]:
    """Per pair of machines how many cells agree, the counts add up to the rows, and of which
    workloads, in lines that begin with spaces; then an empty line.

    Nothing where the heading of the only workload says it.
    """
    if frame["workload"].nunique() < 2:
        return
    for (baseline, machine), part in frame.groupby(_SIDES, sort=False):
        same = baseline == machine
        against = _against(part) if same else f"{machine} against {baseline}"
        if part["verdict"].isin(COMPARABLE).any():
            yield f"{against}: {_counts(part)}"
            yield from _agreement(part)
        else:
            yield f"{against}: {_counts(part)}; no cell has weights on both"
        yield ""


def _agreement(part: pd.DataFrame) -> Iterator[str]:
    """Which workloads agree, and which do not: with how many of the cells that can be compared."""
    ran = part[part["verdict"].isin(COMPARABLE)]
    of = ran.groupby("workload", sort=False).size()
    alike = ran[ran["verdict"] == "identical"].groupby("workload", sort=False).size()
    same = {str(name): int(alike.get(name, 0)) for name in of.index}
    whole = [f"{name} ({of[name]:,})" for name, number in same.items() if number == of[name]]
    if whole:
        yield f"  agree in every cell: {', '.join(whole)}"
    rest = [f"{name} ({n:,} of {of[name]:,})" for name, n in same.items() if n != of[name]]
    if rest:
        yield f"  agree in some cells or none: {', '.join(rest)}"


def sections(frame: pd.DataFrame) -> Iterator[Section]:
    """Per workload and pair of machines what differs, and in words what does not.

    Of several workloads those are left out of which `summary` said it all.
    """
    several = frame["workload"].nunique() > 1
    for (workload, baseline, machine), part in frame.groupby(["workload", *_SIDES], sort=False):
        apart = part[part["verdict"].isin(FAILING)]
        if several and (apart.empty or not part["verdict"].isin(COMPARABLE).any()):
            continue
        largest = apart.head(MOST_APART).reset_index(drop=True)
        yield Section(
            title=str(workload),
            facts=(_place(part, str(baseline), str(machine)), _counts(part), *_shared(apart)),
            columns=layout(largest) if len(apart) else None,
            below=(*_more(apart), *_identical(part), *_alone(part), *_unsized(part)),
        )


def legend(frame: pd.DataFrame) -> Iterator[str]:
    """What the columns mean, as far as they are there."""
    if frame["max_ulp"].notna().any():
        yield (
            "max ULP: floats between two weights, at most (large where a sign changed); rel. L2: "
            "norm of the difference over that of the baseline's weights."
        )
    if "nudges" in frame and frame["nudges"].notna().any():
        yield ("× one ULP: rel. L2 over that which one weight, moved by one ULP, leads to.")
    if frame["churn"].notna().any():
        yield "churn: test rows whose class differs. Sizes are of the first completed runs."
    if frame["origin"].isin(_FROM_TRACES).any():
        yield (
            "other …: what first differed in the traces of both runs; arithmetic: a step whose "
            "inputs were all equal."
        )
    if (frame["unlike"] != "").any():
        yield (
            "not equal: in what runs differ besides, as found in force; code: the harness' own "
            "modules that they used."
        )
    if frame["emulated"].any():
        yield "emulated: imitates a smaller CPU than the machine has; it is not one."


def spread_legend(frame: pd.DataFrame) -> Iterator[str]:
    """What the numbers of the spread table mean, and what its tests assume."""
    yield "n: seeds, or of one seed runs with other bits; equal runs count once. sd: over these n."
    untested = frame.loc[frame["test"].fillna("").str.startswith("no test"), "test"]
    for sentence, count in untested.value_counts(sort=False).items():
        yield f"{sentence} ({count:,} rows)."
    if frame["p"].notna().any():
        yield (
            "p, two-sided, for equal means: t on differences per seed where both have the same "
            "seeds, else Welch's t; assumes independent observations and about normal means. "
            "p perm.: permutation test, without the latter. Holm: for all tests shown."
        )


def _against(part: pd.DataFrame) -> str:
    baselines = part["baseline"].dropna().unique()
    return f"against {baselines[0]}" if len(baselines) == 1 else "against the baselines"


def _counts(part: pd.DataFrame) -> str:
    counts = part["verdict"].value_counts()
    parts = [f"{counts[name]:,} {name}" for name in VERDICTS if name in counts]
    cells = counted(len(part), "cell")
    if len(parts) == 1:
        return f"{cells}, {'all ' if len(part) > 1 else ''}{counts.index[0]}"
    return f"{cells} = {' + '.join(parts)}"


def _more(apart: pd.DataFrame) -> Iterator[str]:
    if len(apart) > MOST_APART:
        left = apart.iloc[MOST_APART:]
        size = left["relative_l2"].max()
        parts = f", rel. L2 up to {size:.2g}" if pd.notna(size) else ""
        yield f"… and {len(left):,} more{parts}; --format csv has them all"


def _place(part: pd.DataFrame, baseline: str, machine: str) -> str:
    """What is compared with what: machines by name, or with one cell by its id."""
    cells = part["baseline"].dropna().unique()
    one_cell = len(cells) == 1 and (part["cell"] != part["baseline"]).fillna(False).any()
    if not one_cell:
        return f"{machine} against {baseline}"
    other = f"{machine} against {baseline}/" if machine != baseline else "against "
    return f"{other}{cells[0]}"


def _shared(apart: pd.DataFrame) -> Iterator[str]:
    """What all cells that differ have in common: where it comes from, and what is not equal."""
    every = "all " if len(apart) > 1 else ""
    origins = apart["origin"].unique()
    if len(origins) == 1 and origins[0]:
        places = apart["origin_at"].dropna().unique()
        where = f" ({places[0]})" if len(places) == 1 and places[0] else ""
        yield f"{every}{origins[0]}{where}"
    unlike = [set(text.split(", ")) for text in apart["unlike"]]
    common = set.intersection(*unlike) - {""} if unlike else set()
    if common:
        parts = [part for part in apart["unlike"].iloc[0].split(", ") if part in common]
        yield f"{every}not equal in {', '.join(parts)}"


def _identical(part: pd.DataFrame) -> Iterator[str]:
    """Which cells are identical, in words, where others are not."""
    ran = part[part["verdict"].isin(COMPARABLE)].reset_index(drop=True)
    same = (ran["verdict"] == "identical").to_numpy()
    if not same.any() or same.all():
        return
    axes = asked_axes(ran)
    codes = [axis.codes for axis in axes]
    matrix = np.column_stack(codes) if codes else np.zeros((len(ran), 0), dtype=np.int64)
    description = in_words(describe(Cells(matrix), set_of(same), range(len(axes))), axes)
    yield f"identical: {description}"


def _alone(part: pd.DataFrame) -> Iterator[str]:
    alone = part[part["verdict"].isin(_ALONE)]
    unasked = alone["reason"].str.startswith(NOT_ASKED)
    if unasked.any():
        reasons = alone.loc[unasked, "reason"]
        places = ", ".join(reasons.str.removeprefix(f"{NOT_ASKED} on ").unique())
        yield f"not asked for on {places}: {counted(len(reasons), 'cell')}"
    alone = alone[~unasked]
    for (verdict, reason), rows in alone.groupby(["verdict", "reason"], sort=False):
        more = f" … and {len(rows) - 1:,} more" if len(rows) > 1 else ""
        yield f"{verdict}: {rows['cell'].iloc[0]}{more}: {reason}"


def _unsized(part: pd.DataFrame) -> Iterator[str]:
    ran = part[part["verdict"].isin(COMPARABLE) & (part["reason"] != "")]
    # The weights of some were compared, and only their predictions were not.
    missing = ran["max_abs"].notna().map({True: "predictions not compared", False: "not sized"})
    for (what, reason), rows in ran.groupby([missing, "reason"], sort=False):
        yield f"{what}: {counted(len(rows), 'cell')}: {reason}"
