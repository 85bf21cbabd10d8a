"""Two-sided tests of whether two groups of trainings have another mean metric.

What they assume. Observations are independent: seeds are, repeats of one seed with equal bits are
not and count once. Student's t on differences per seed, where both groups ran the same seeds, and
Welch's t otherwise (variances may differ) also ask that the mean is about normal, which few
observations cannot show. The permutation test asks only that labels could be swapped were there no
difference; with few observations it cannot give a small p, and says how small it could be.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

RESAMPLES = 9_999
"""Above this number of permutations a fixed random sample of them stands for all."""


@dataclass(frozen=True, kw_only=True)
class Observations:
    """Values by what they were observed at: a seed, or a run."""

    of: Literal["seed", "run"]
    values: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Test:
    """The result: mean here minus mean there, its 95 % interval, and p by t and by permutation.

    All but the difference are NaN where there is no test; `sentence` names the test, or why.
    """

    difference: float
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    p_permutation: float = math.nan
    sentence: str


def two_sided(first: Observations, second: Observations) -> Test:
    """Whether the means differ; paired where both are observed at the same seeds."""
    paired = first.of == second.of == "seed" and first.values.keys() == second.values.keys()
    ours = list(first.values.values())
    theirs = [second.values[seed] for seed in first.values] if paired else [*second.values.values()]
    difference = statistics.fmean(ours) - statistics.fmean(theirs)
    why_not = _why_not(ours, theirs, paired)
    if why_not:
        return Test(difference=difference, sentence=f"no test: {why_not}")
    return _paired(ours, theirs) if paired else _welch(ours, theirs)


def _why_not(ours: Sequence[float], theirs: Sequence[float], paired: bool) -> str:
    if not np.isfinite([*ours, *theirs]).all():
        return "a metric is NaN or infinite"
    if min(len(ours), len(theirs)) < 2:
        return "a single observation, as repeats have the same bits; add seeds"
    apart = [a - b for a, b in zip(ours, theirs, strict=paired)]
    if paired and len(set(apart)) == 1:
        return "no difference at any seed" if not apart[0] else "the same difference at every seed"
    if not paired and len(set(ours)) == len(set(theirs)) == 1:
        return "neither side varies"
    return ""


def _paired(ours: Sequence[float], theirs: Sequence[float]) -> Test:
    # scipy takes half a second to import, and few commands need it.
    from scipy import stats

    apart = np.subtract(ours, theirs)
    result = stats.ttest_rel(ours, theirs)
    swapped = stats.permutation_test(
        (apart,), np.mean, permutation_type="samples", n_resamples=RESAMPLES, rng=_rng()
    )
    least = 2 / min(2 ** len(ours), RESAMPLES + 1)
    return _test(result, apart.mean(), swapped.pvalue, f"paired t, {len(ours)} seeds", least)


def _welch(ours: Sequence[float], theirs: Sequence[float]) -> Test:
    from scipy import stats

    result = stats.ttest_ind(ours, theirs, equal_var=False)
    swapped = stats.permutation_test(
        (ours, theirs),
        _difference_of_means,
        vectorized=True,
        n_resamples=RESAMPLES,
        rng=_rng(),
    )
    apart = statistics.fmean(ours) - statistics.fmean(theirs)
    least = 2 / min(math.comb(len(ours) + len(theirs), len(ours)), RESAMPLES + 1)
    return _test(result, apart, swapped.pvalue, f"Welch's t, {len(ours)} + {len(theirs)}", least)


def _test(result: Any, apart: float, permuted: float, name: str, least: float) -> Test:
    interval = result.confidence_interval(0.95)
    return Test(
        difference=float(apart),
        low=float(interval.low),
        high=float(interval.high),
        p=float(result.pvalue),
        p_permutation=float(permuted),
        sentence=f"{name}; permutation p ≥ {least:.2g}",
    )


def _difference_of_means(a: Any, b: Any, axis: int) -> Any:
    return np.mean(a, axis=axis) - np.mean(b, axis=axis)


def _rng() -> np.random.Generator:
    """The same permutations each time: equal results give equal tables."""
    return np.random.default_rng(0)


def holm(p: Sequence[float]) -> list[float]:
    """Each p made larger for the number of tests (Holm 1979); NaN, where no test was, stays.

    https://www.jstor.org/stable/4615733
    """
    ranked = sorted((value, place) for place, value in enumerate(p) if not math.isnan(value))
    adjusted = list(p)
    largest = 0.0
    for rank, (value, place) in enumerate(ranked):
        largest = max(largest, min(1.0, value * (len(ranked) - rank)))
        adjusted[place] = largest
    return adjusted
