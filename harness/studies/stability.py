"""Which settings make an unstable cell stable, in sentences that a person can act on."""

from __future__ import annotations

from collections.abc import Sequence

from harness.studies import diagnosis
from harness.studies.diagnosis import in_words, outcome
from harness.studies.remedies import remedy
from harness.studies.search import Cure, Settings, Trial


def sentences(base: Trial, cure: Cure | None) -> list[str]:
    """The answer first; `base` is the cell as it is, `cure` is there where it is unstable."""
    if cure is None:
        return [f"Stable as it is: {outcome(base)}.", diagnosis.limit(base.repeats)]
    if cure.trial is None:
        return [f"Unstable as it is ({outcome(base)}), and no setting tried makes it stable."]
    settings = cure.trial.settings
    lines = [f"Stable with {in_words(settings)} ({outcome(cure.trial)})."]
    needed = _without_each(base, cure, settings)
    lines.append(f"Unstable without {'; without '.join(needed)}.")
    lines += _instructions(settings)
    return [*lines, diagnosis.limit(cure.trial.repeats)]


def _without_each(base: Trial, cure: Cure, settings: Settings) -> list[str]:
    """What shows that each of the settings is needed."""
    shown = []
    for name in settings:
        rest = {each: value for each, value in settings.items() if each != name}
        trial = next((t for t in cure.tried if dict(t.settings) == rest), None) if rest else base
        shown.append(f"{name} ({outcome(trial) if trial else 'not tried'})")
    return shown


def _instructions(settings: Settings) -> Sequence[str]:
    found = remedy(settings)
    matrix = ", ".join(f"{name}: {value}" for name, value in settings.items())
    lines = [f"In a matrix: {{{matrix}}}."]
    if found.lines:
        lines.append(f"In a script, after `import tensorflow as tf`: {'; '.join(found.lines)}")
    if found.before:
        lines.append(f"Started so: {found.before} python …")
    return lines
