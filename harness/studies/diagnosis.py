"""What a series of trials of one script means, in sentences that a person can act on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.protocol.axes import Value
from harness.studies.remedies import remedy
from harness.studies.search import Cure, Settings, Trial

CURES: tuple[tuple[str, Value], ...] = (
    ("seeding", "all"),
    ("hash_seed", 0),
    ("determinism", "on"),
    ("cpus", 1),
    ("threads", 1),
    ("onednn", "off"),
    ("eager", "on"),
)
"""Settings that may make a training repeat itself, in the order of their price."""

CHANGES: tuple[tuple[str, Value], ...] = (
    ("threads", 1),
    ("cpus", 1),
    ("onednn", "off"),
    ("onednn", "on"),
    ("isa", "avx2"),
    ("determinism", "on"),
)
"""Settings that may give a training that repeats itself other bits."""

_CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Change:
    """What another setting, or another environment, does to a stable script.

    `changed` are the kinds of results that are others with it, None where its run did not complete.
    """

    what: str
    changed: tuple[str, ...] | None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """What was found out about a script.

    `base` are its repeats as it is, `first` says where they first differ. `cure` is there where
    they do, `changes` where they do not. `calls` are the settings that it makes itself. `printed`
    counts the different texts that the repeats printed, `not_finite` the tensors with values that
    are no finite numbers: runs that end so look equal, whatever happened before. `unobserved` says
    why the runs were not observed ("": they were): then files and printed texts are compared.
    """

    script: str
    environment: str
    base: Trial
    first: str
    calls: tuple[str, ...]
    connections: tuple[str, ...]
    printed: int = 1
    not_finite: int = 0
    unobserved: str = ""
    cure: Cure | None = None
    changes: tuple[Change, ...] = ()

    @property
    def is_stable(self) -> bool:
        """Whether the script repeats itself as it is."""
        return self.base.is_stable

    @property
    def has_verdict(self) -> bool:
        """Whether its runs completed and left something to compare."""
        return self.base.is_complete and bool(self.base.distinct)


def as_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """The diagnosis as a JSON object."""
    cure = diagnosis.cure
    return {
        "script": diagnosis.script,
        "environment": diagnosis.environment,
        "stable": diagnosis.is_stable if diagnosis.has_verdict else None,
        "unobserved": diagnosis.unobserved or None,
        "as_it_is": _trial_json(diagnosis.base),
        "first_difference": diagnosis.first or None,
        "set_by_script": list(diagnosis.calls),
        "connections": list(diagnosis.connections),
        "printed": diagnosis.printed,
        "tensors_not_finite": diagnosis.not_finite,
        "cure": _trial_json(cure.trial) if cure and cure.trial else None,
        "tried": [_trial_json(trial) for trial in cure.tried] if cure else [],
        "changes": [
            {"setting": each.what, "changed": each.changed, "reason": each.reason}
            for each in diagnosis.changes
        ],
        "sentences": sentences(diagnosis),
    }


def _trial_json(trial: Trial) -> dict[str, Any]:
    return {
        "settings": dict(trial.settings),
        "repeats": trial.repeats,
        "completed": trial.completed,
        "distinct": dict(trial.distinct),
        "seconds": trial.seconds,
        "reason": trial.reason,
    }


def in_words(settings: Settings) -> str:
    """Settings as a person writes them."""
    return ", ".join(f"{name}={value}" for name, value in settings.items()) or "as it is"


def outcome(trial: Trial) -> str:
    """How one trial ended, in a few words."""
    if not trial.is_complete:
        return f"{trial.repeats - trial.completed} of {trial.repeats} did not complete"
    if trial.is_stable:
        return f"{trial.repeats} of {trial.repeats} equal"
    if not trial.distinct:
        return "nothing to compare"
    kind = trial.differing[0]
    return f"{_different(trial, kind)} in {trial.repeats} runs"


def _different(trial: Trial, kind: str) -> str:
    return f"{trial.distinct[kind]} different {_PLURALS.get(kind, kind)}"


_PLURALS = {"history": "histories", "printed": "printed texts"}


def sentences(diagnosis: Diagnosis) -> list[str]:
    """The diagnosis in sentences, the answer first."""
    base = diagnosis.base
    if not base.is_complete:
        return [f"It does not complete: {base.reason.rstrip('.: ')}."]
    if not diagnosis.has_verdict:
        return [
            f"No verdict: it was not observed ({diagnosis.unobserved}), prints nothing, and no"
            " files of it are named as results."
        ]
    found = _stable(diagnosis) if base.is_stable else _unstable(diagnosis)
    return [*found, *_doubts(diagnosis), *_own_settings(diagnosis), _limit(_shown(diagnosis))]


def _doubts(diagnosis: Diagnosis) -> list[str]:
    """What makes equal results say less than they seem to."""
    lines = []
    if diagnosis.unobserved:
        lines.append(
            f"It was not observed ({diagnosis.unobserved}), so its weights are not known: judged"
            f" by {' and '.join(diagnosis.base.distinct)} alone."
        )
    if diagnosis.not_finite:
        lines.append(
            f"At the end {diagnosis.not_finite} of the tensors hold NaN or infinity: trainings that"
            " end so leave equal weights even if they went other ways. Cure that first."
        )
    if diagnosis.is_stable and diagnosis.printed > 1 and not diagnosis.unobserved:
        lines.append(
            f"Yet the {diagnosis.base.repeats} runs printed {diagnosis.printed} different texts"
            " (times and places aside), so something differs that is only printed."
        )
    return lines


def _unstable(diagnosis: Diagnosis) -> list[str]:
    base, cure = diagnosis.base, diagnosis.cure
    kinds = ", ".join(_different(base, kind) for kind in base.differing)
    first = f"; first different: {diagnosis.first}" if diagnosis.first else ""
    lines = [f"Not repeatable: {base.repeats} runs left {kinds}{first}."]
    return lines + (_cured(base, cure) if cure and cure.trial else _uncured(cure))


def _cured(base: Trial, cure: Cure) -> list[str]:
    trial = cure.trial
    assert trial is not None
    lines = [f"Repeatable with {in_words(trial.settings)} ({outcome(trial)})."]
    alone = [each for each in cure.tried if len(each.settings) == 1]
    needed = [each for each in alone if each is not trial]
    if needed:
        each_alone = "; ".join(f"{in_words(each.settings)}: {outcome(each)}" for each in needed)
        lines.append(f"Alone not enough: {each_alone}.")
    spared = [name for name, each in cure.without.items() if each.is_stable]
    if spared:
        lines.append(f"Not needed beside these: {', '.join(spared)}.")
    lines += _instructions(trial.settings)
    if base.seconds and trial.seconds:
        lines.append(f"Time: {trial.seconds / base.seconds:.2f} times that of the script as it is.")
    return lines


def _uncured(cure: Cure | None) -> list[str]:
    tried = "; ".join(
        f"{in_words(each.settings)}: {outcome(each)}" for each in (cure.tried if cure else ())
    )
    return [
        f"No setting tried makes it repeatable ({tried}).",
        "Look for what no setting reaches: generators that the script makes without a seed, threads"
        " or processes of its own that feed the training, the clock, files of an earlier run.",
    ]


def _instructions(settings: Settings) -> list[str]:
    found = remedy(settings)
    lines = []
    if found.lines:
        lines.append("Put this at the top of your script, after `import tensorflow as tf`:")
        lines += [f"    {line}" for line in found.lines]
    if found.before:
        lines.append(f"Start it so: {found.before} python …")
    return lines


def _stable(diagnosis: Diagnosis) -> list[str]:
    base = diagnosis.base
    kinds = ", ".join(kind for kind, count in base.distinct.items() if count)
    lines = [f"Repeatable as it is: {outcome(base)} ({kinds})."]
    changing = [each for each in diagnosis.changes if each.changed]
    same = [each.what for each in diagnosis.changes if each.changed == ()]
    not_run = [
        f"{each.what} ({each.reason.rstrip('.')})"
        for each in diagnosis.changes
        if each.changed is None
    ]
    if changing:
        what = "; ".join(
            f"{each.what} (other {', '.join(each.changed or ())})" for each in changing
        )
        lines.append(f"Other bits with: {what}.")
    if same:
        lines.append(f"Same bits with: {', '.join(same)}.")
    if not_run:
        lines.append(f"No result with: {'; '.join(not_run)}.")
    return lines


def _own_settings(diagnosis: Diagnosis) -> list[str]:
    lines = []
    if diagnosis.calls:
        lines.append(f"The script sets itself: {', '.join(diagnosis.calls)}.")
    if diagnosis.connections:
        lines.append(f"It tried to reach {', '.join(diagnosis.connections)}; runs have no network.")
    return lines


def _shown(diagnosis: Diagnosis) -> Trial | None:
    """The equal runs that the answer rests on."""
    cured = diagnosis.cure.trial if diagnosis.cure else None
    return diagnosis.base if diagnosis.is_stable else cured


def _limit(shown: Trial | None) -> str:
    """What so few runs cannot rule out."""
    if shown is None:
        return "Each was tried with few runs; more repeats (--repeats) can show rarer differences."
    return limit(shown.repeats)


def limit(repeats: int) -> str:
    """What so many equal runs cannot rule out."""
    share = 1 - (1 - _CONFIDENCE) ** (1 / repeats)
    return (
        f"{repeats} equal runs leave room for a difference that strikes up to {share:.0%} of "
        "runs (95 % confidence); --repeats looks closer."
    )
