"""Which settings a set of cells has and no other cell has, as few and as short as possible.

A region is a conjunction: for some axes, the values allowed. A set of cells is described by
regions that together cover it and contain no cell outside it. Finding the fewest is set cover;
growing one region after another greedily is quick, exact, and short on grids, where it matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.analysis.axis_values import shown
from harness.analysis.varied_axes import Codes, VariedAxis

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


class Cells:
    """The cells of a workload as sets: for each value of each axis, which cells have it.

    A set is an int with a bit per cell, so that joining and meeting sets is one quick operation.
    """

    def __init__(self, codes: Codes) -> None:
        self.codes: list[list[int]] = codes.tolist()
        self.having = [
            [set_of(column == code) for code in range(column.max(initial=-1) + 1)]
            for column in codes.T
        ]
        self.every = set_of(np.ones(len(codes), dtype=np.bool_))

    def inside(self, region: Region) -> int:
        """The cells that a region holds."""
        inside = self.every
        for axis, allowed in region.items():
            inside &= self._allowing(axis, allowed)
        return inside

    def _allowing(self, axis: int, allowed: Iterable[int]) -> int:
        inside = 0
        for code in allowed:
            inside |= self.having[axis][code]
        return inside

    def values(self, axis: int, places: int) -> Iterable[int]:
        """The codes that these cells have on an axis; many values cost as little as few cells."""
        having = self.having[axis]
        if places.bit_count() < len(having):
            return {self.codes[place][axis] for place in _places(places)}
        return (code for code, its in enumerate(having) if its & places)


def set_of(mask: Mask) -> int:
    """The places at which `mask` is True, as the bits of an int."""
    return int.from_bytes(np.packbits(mask, bitorder="little").tobytes(), "little")


def _places(cells: int) -> Iterator[int]:
    """The bits of a set, one by one."""
    while cells:
        last = cells & -cells
        yield last.bit_length() - 1
        cells ^= last


def describe(cells: Cells, members: int, axes_by_influence: Sequence[int]) -> Description:
    """Regions for those of the cells that the set `members` has.

    Axes are freed in the order given, so the axes that matter most should come last.
    """
    uncovered = members
    regions: list[Region] = []
    exact = True
    while uncovered and len(regions) < MOST_REGIONS:
        seed = (uncovered & -uncovered).bit_length() - 1
        region, is_exact = _grown(cells, members, seed, axes_by_influence)
        exact = exact and is_exact
        uncovered &= ~cells.inside(region)
        regions.append(region)
    chosen = _without_redundant(cells, members & ~uncovered, regions)
    return Description(regions=tuple(chosen), left_out=uncovered.bit_count(), exact=exact)


def hull(codes: Codes) -> Region:
    """The values that these cells have, axis by axis: a region that may hold other cells too."""
    return {axis: frozenset(np.unique(codes[:, axis]).tolist()) for axis in range(codes.shape[1])}


def _grown(cells: Cells, members: int, seed: int, order: Sequence[int]) -> tuple[Region, bool]:
    """The region around one cell, freed axis by axis as long as no outsider comes in."""
    codes = cells.codes[seed]
    region: Region = {axis: frozenset([codes[axis]]) for axis in order}
    alike = cells.inside(region)
    outside = cells.every & ~members & ~alike
    for axis in order:
        others = {other: allowed for other, allowed in region.items() if other != axis}
        if not cells.inside(others) & outside:
            region = others
    for axis in [axis for axis in order if axis in region]:
        others = {other: allowed for other, allowed in region.items() if other != axis}
        near = cells.inside(others)
        within, without = near & members, near & outside
        gained = (
            code for code in cells.values(axis, within) if not cells.having[axis][code] & without
        )
        region[axis] |= frozenset(gained)
    return region, not alike & ~members


def _without_redundant(cells: Cells, covered: int, regions: list[Region]) -> list[Region]:
    """The regions without those whose cells the others hold already."""
    masks = [cells.inside(region) & covered for region in regions]
    chosen: list[int] = list(range(len(regions)))
    for place, mask in enumerate(masks):
        others = 0
        for other in chosen:
            others |= masks[other] if other != place else 0
        if not mask & ~others:
            chosen.remove(place)
    return [regions[place] for place in chosen]


def in_words(description: Description, axes: Sequence[VariedAxis]) -> str:
    """`threads=1, determinism=on; or tensorflow≥2.16.1`; `every cell` where nothing is asked."""
    parts = [region_in_words(region, axes) for region in description.regions]
    if description.left_out:
        parts.append(f"{description.left_out} other cells")
    text = "; or ".join(parts)
    return text if description.exact else f"{text} (others with the same settings differ)"


def region_in_words(region: Region, axes: Sequence[VariedAxis]) -> str:
    """One region, its axes in their usual order."""
    parts = [
        values_in_words(axes[axis], sorted(allowed))
        for axis, allowed in sorted(region.items())
        if len(allowed) < len(axes[axis].values)
    ]
    return ", ".join(parts) or "every cell"


def values_in_words(axis: VariedAxis, allowed: Sequence[int]) -> str:
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
