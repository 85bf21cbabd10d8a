"""Which settings a set of cells has and no other cell has, as few and as short as possible.

A region is a conjunction: for some axes, the values allowed. A set of cells is described by
regions that together cover it and contain no cell outside it. Finding the fewest is set cover;
growing one region after another greedily is quick, exact, and short on grids, where it matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.analysis.variation import Codes, Varied, shown

Mask = npt.NDArray[np.bool_]
Region = dict[int, frozenset[int]]
"""Per axis (by its place) the values allowed (by their codes); other axes are free."""

MOST_REGIONS = 8
MOST_VALUES = 8


@dataclass(frozen=True, kw_only=True)
class Description:
    """The regions, how many cells they leave out for brevity, and whether they are exact.

    `exact` is False where some other cell has the same settings as one of these.
    """

    regions: tuple[Region, ...]
    left_out: int
    exact: bool


def describe(codes: Codes, members: Mask, axes_by_influence: Sequence[int]) -> Description:
    """Regions for the rows of `codes` (cells x axes) that `members` marks.

    Axes are freed in the order given, so the axes that matter most should come last.
    """
    uncovered = members.copy()
    regions: list[Region] = []
    exact = True
    while uncovered.any() and len(regions) < MOST_REGIONS:
        seed = int(np.argmax(uncovered))
        region, is_exact = _grown(codes, members, seed, axes_by_influence)
        exact = exact and is_exact
        uncovered &= ~_inside(codes, region)
        regions.append(region)
    kept = _without_redundant(codes, members & ~uncovered, regions)
    return Description(regions=tuple(kept), left_out=int(uncovered.sum()), exact=exact)


def hull(codes: Codes) -> Region:
    """The values that these cells have, axis by axis: a region that may hold other cells too."""
    return {axis: frozenset(np.unique(codes[:, axis]).tolist()) for axis in range(codes.shape[1])}


def _grown(codes: Codes, members: Mask, seed: int, order: Sequence[int]) -> tuple[Region, bool]:
    """The region around one cell, freed axis by axis as long as no outsider comes in."""
    region: Region = {axis: frozenset([int(codes[seed, axis])]) for axis in order}
    missed = (codes != codes[seed]).sum(axis=1)
    outside = ~members & (missed > 0)
    exact = bool((members | outside).all())
    for axis in order:
        off = codes[:, axis] != codes[seed, axis]
        if not (outside & (missed == 1) & off).any():
            del region[axis]
            missed = missed - off
    for axis in [axis for axis in order if axis in region]:
        off = codes[:, axis] != codes[seed, axis]
        near = (missed == 1) & off
        gained = set(codes[near & members, axis].tolist())
        gained -= set(codes[near & outside, axis].tolist())
        region[axis] |= gained
        missed = missed - np.isin(codes[:, axis], list(gained))
    return region, exact


def _inside(codes: Codes, region: Region) -> Mask:
    inside = np.ones(len(codes), dtype=np.bool_)
    for axis, allowed in region.items():
        inside &= np.isin(codes[:, axis], list(allowed))
    return inside


def _without_redundant(codes: Codes, covered: Mask, regions: list[Region]) -> list[Region]:
    """The regions without those whose cells the others hold already."""
    masks = [_inside(codes, region) & covered for region in regions]
    times = np.sum(masks, axis=0) if masks else np.zeros(len(codes), dtype=np.int64)
    kept = []
    for region, mask in zip(regions, masks, strict=True):
        if (times[mask] > 1).all():
            times = times - mask
        else:
            kept.append(region)
    return kept


def in_words(description: Description, axes: Sequence[Varied]) -> str:
    """`threads=1, determinism=on; or tensorflow≥2.16.1`; `every cell` where nothing is asked."""
    parts = [region_in_words(region, axes) for region in description.regions]
    if description.left_out:
        parts.append(f"{description.left_out} other cells")
    text = "; or ".join(parts)
    return text if description.exact else f"{text} (others with the same settings differ)"


def region_in_words(region: Region, axes: Sequence[Varied]) -> str:
    """One region, its axes in their usual order."""
    parts = [
        values_in_words(axes[axis], sorted(allowed))
        for axis, allowed in sorted(region.items())
        if len(allowed) < len(axes[axis].values)
    ]
    return ", ".join(parts) or "every cell"


def values_in_words(axis: Varied, allowed: Sequence[int]) -> str:
    """`threads=1`, `tensorflow≤2.9.3`, `threads≠2`, `isa∈{sse41, avx2}`: whatever is shortest."""
    values, last = axis.values, len(axis.values) - 1
    first_value, last_value = shown(values[allowed[0]]), shown(values[allowed[-1]])
    if len(allowed) == 1:
        return f"{axis.name}={first_value}"
    adjoining = axis.ordered and allowed[-1] - allowed[0] == len(allowed) - 1
    if adjoining and allowed[0] == 0:
        return f"{axis.name}≤{last_value}"
    if adjoining and allowed[-1] == last:
        return f"{axis.name}≥{first_value}"
    if len(allowed) == last and last > 1:
        left_out = next(code for code in range(last + 1) if code not in set(allowed))
        return f"{axis.name}≠{shown(values[left_out])}"
    if adjoining and len(allowed) > 2:
        return f"{axis.name}={first_value}…{last_value}"
    return f"{axis.name}∈{{{listed([shown(values[code]) for code in allowed])}}}"


def listed(values: Sequence[str]) -> str:
    """The values with commas; of very many the first ones and the last."""
    if len(values) <= MOST_VALUES:
        return ", ".join(values)
    return ", ".join([*values[: MOST_VALUES - 2], "…", values[-1]])
