"""The colours and marks of the published page, for notebooks and drawings.

`harness/publish/page` has them as CSS and JavaScript; a test holds the two to each other.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.analysis.class_letters import UNSTABLE


@dataclass(frozen=True, kw_only=True)
class Look:
    """The colour of a tile, of the text on it, and of a line that stands for it on white."""

    fill: str
    text: str
    line: str


def _look(fill: str, line: str, text: str = "#111") -> Look:
    return Look(fill=fill, text=text, line=line)


CLASSES: tuple[Look, ...] = (
    _look("#77aadd", "#2f6fae"),
    _look("#ee8866", "#c04f28"),
    _look("#eedd88", "#9c840a"),
    _look("#ffaabb", "#c4587a"),
    _look("#44bb99", "#1a7f63"),
    _look("#99ddff", "#1585b8"),
    _look("#bbcc33", "#75830b"),
    _look("#aaaa00", "#6b6b00"),
    _look("#332288", "#332288", "#fff"),
    _look("#882255", "#882255", "#fff"),
    _look("#117733", "#117733", "#fff"),
    _look("#666633", "#666633", "#fff"),
    _look("#663333", "#663333", "#fff"),
    _look("#225555", "#225555", "#fff"),
    _look("#8f3a87", "#8f3a87", "#fff"),
    _look("#46535e", "#46535e", "#fff"),
)
"""Those of the classes A, B, C…"""

MORE = _look("#c9c4ba", "#857f73")
"""That of every further class: only its letters tell it from others."""

NOT_STABLE = _look("#f4efe4", "#77716a")
NO_WEIGHTS = _look("#ffffff", "#77716a", "#666")

MARKS = {
    "completed": "?",
    "unsupported": "⊘",
    "failed": "✕",
    "timeout": "◔",
    "out_of_memory": "▲",
    "killed": "†",
    "invalid": "!",
    "unavailable": "–",
    "excluded": "∅",
    "pending": "…",
}
"""What stands for a cell without weights, by the status of most of its runs."""

UNSTABLE_MARK = "≠"


def of_class(name: str) -> Look:
    """The look of a class by its letter, of unstable cells, or ("") of a cell without weights."""
    if name == UNSTABLE:
        return NOT_STABLE
    if name == "":
        return NO_WEIGHTS
    place = 0
    for sign in name:
        place = place * 26 + ord(sign) - ord("A") + 1
    return CLASSES[place - 1] if place <= len(CLASSES) else MORE
