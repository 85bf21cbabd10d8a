"""In which unit a forecast is, and how far one step of the prepared data goes in it.

The models of a series predict standardised values. Records name the data by digest, and the
digest fixes the scale, so it can stand here: whoever reads results need not have the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Scale:
    """One standard deviation of the prepared series is `std` of this `unit`."""

    unit: str
    std: float


SCALES: Final[Mapping[str, Scale]] = {
    "d1308e13f9ad91cc2e687a43dc7fc979a8670047b9cb51a981479eb040abc44e": Scale(
        unit="ppm", std=float.fromhex("0x1.8c4aafcd03fe7p+3")
    ),
}
"""By `data_sha256`: what `dataset.json` says under `unit` and `scale`."""

UNSCALED: Final = Scale(unit="standard deviations", std=1.0)
"""Where the data set is not known here: differences stay in the unit of the prepared data."""


def scale_of(data_sha256: str | None) -> Scale:
    """The scale of a data set, `UNSCALED` where it is not known."""
    return SCALES.get(data_sha256 or "", UNSCALED)
