"""Which settings make a training repeat itself, or change its bits: the search, without its runs.

The search asks an `Oracle` for trials of settings, the cheapest first, and says what it found. It
knows neither engines nor records, so it is the same for every study.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.protocol.axes import Value

Settings = Mapping[str, Value]
"""Axes by name; those left out are as the subject has them."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The repeats of one cell.

    `completed` of `repeats` runs completed; `distinct` says how many different results they left by
    kind (`weights`, `history`, …), of the kinds that there were. `reason` says why runs did not
    complete, `seconds` is the median time of those that did (None: none did).
    """

    settings: Settings
    repeats: int
    completed: int
    distinct: Mapping[str, int]
    reason: str = ""
    seconds: float | None = None

    @property
    def is_complete(self) -> bool:
        """Whether it can say anything: every run completed."""
        return self.completed == self.repeats

    @property
    def is_stable(self) -> bool:
        """Whether all runs completed and left the same, and there was something to compare."""
        return self.is_complete and bool(self.distinct) and not self.differing

    @property
    def differing(self) -> tuple[str, ...]:
        """The kinds of results in which the runs differ."""
        return tuple(kind for kind, count in self.distinct.items() if count > 1)


Oracle = Callable[[Settings], Trial]
"""Runs the repeats of a cell, or finds them recorded."""


@dataclass(frozen=True, kw_only=True)
class Cure:
    """The smallest set of settings found that makes the training repeat itself.

    `trial` shows it (None: no set did). `without` has, for each setting of a larger set, the trial
    of the set without it, by its name: where that is not stable, the setting is needed. `tried` are
    all trials in the order in which they were made.
    """

    trial: Trial | None
    without: Mapping[str, Trial]
    tried: tuple[Trial, ...]


def cure(candidates: Sequence[tuple[str, Value]], oracle: Oracle) -> Cure:
    """Look for the smallest set of the candidates that makes the training stable.

    `candidates` stand in the order of their price. Each is tried alone first. If none is enough,
    those that ran are tried together and then left out one at a time, the dearest first; what
    stays is a set of which every member is needed.
    """
    tried: list[Trial] = []

    def try_out(settings: Settings) -> Trial:
        tried.append(oracle(settings))
        return tried[-1]

    usable: dict[str, Value] = {}
    for name, value in candidates:
        trial = try_out({name: value})
        if trial.is_stable:
            return Cure(trial=trial, without={}, tried=tuple(tried))
        if trial.is_complete:
            usable[name] = value
    together = try_out(usable) if len(usable) > 1 else None
    if together is None or not together.is_stable:
        return Cure(trial=None, without={}, tried=tuple(tried))
    smallest, without = _reduced(together, try_out)
    return Cure(trial=smallest, without=without, tried=tuple(tried))


def _reduced(together: Trial, oracle: Oracle) -> tuple[Trial, dict[str, Trial]]:
    """Leave out what is not needed of a stable set, the last one first."""
    smallest, without = together, {}
    for name in reversed(list(together.settings)):
        rest = {each: value for each, value in smallest.settings.items() if each != name}
        # A set of one was tried at the start, and was not enough.
        trial = oracle(rest) if len(rest) > 1 else None
        if trial is not None:
            without[name] = trial
        if trial is not None and trial.is_stable:
            smallest = trial
    return smallest, without
