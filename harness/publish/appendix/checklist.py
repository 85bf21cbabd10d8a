"""What checklists of conferences ask about reproducibility, answered from records and no further.

The questions are those that the checklists for machine learning papers and for artifact evaluation
have in common, in own words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from harness.publish.appendix import findings
from harness.publish.appendix.facts import Facts, KnownData, all_times

_SHOWN = 8
_NOT = "Not in the records."


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A question and its answer; `missing` says what the records have not, "" where nothing is."""

    question: str
    text: str
    missing: str = ""


def answers(
    facts: Facts, runs: pd.DataFrame, cells: pd.DataFrame, data: Sequence[KnownData]
) -> Iterator[Answer]:
    """All questions, in order."""
    yield Answer(question="Are seeds fixed and reported?", text=_seeds(facts))
    yield Answer(
        question="How many runs per experiment?", text=findings.runs_per_cell(cells) or _NOT
    )
    yield Answer(question="Is variation between runs reported?", text=_variation(cells))
    yield _unanswered("Confidence intervals and tests?", "statistical tests of what is compared")
    yield Answer(question="Which hyperparameters and settings, how chosen?", text=_settings(facts))
    yield from _computing(facts)
    yield from _data(facts, data)
    yield from _code(facts)
    yield Answer(question="Which runs did not complete, and why?", text=_incomplete(runs))
    yield _unanswered("Licence of the artifact?", "the licence of code and results")
    yield _unanswered("People, harm, ethics review?", "whether people were involved, and ethics")


def _unanswered(question: str, missing: str) -> Answer:
    sentence = f"{missing[0].upper()}{missing[1:]}."
    return Answer(question=question, text=_NOT, missing=sentence)


def _seeds(facts: Facts) -> str:
    asked = {
        "seed": "Seeds",
        "seeding": "generators seeded",
        "hash_seed": "Python's hash seed",
        "determinism": "op determinism",
    }
    parts = [f"{words}: {_values(facts, axis)}" for axis, words in asked.items()]
    return (
        f"{'; '.join(parts)}. Every record has the settings asked and those found in the process."
    )


def _values(facts: Facts, axis: str) -> str:
    values = sorted(facts.settings.get(axis, ()))
    more = [f"and {len(values) - _SHOWN} more"] if len(values) > _SHOWN else []
    return ", ".join([*values[:_SHOWN], *more]) or "not in the records"


def _variation(cells: pd.DataFrame) -> str:
    counts = Counter(str(one) for one in cells.loc[cells["completed"] > 0, "verdict"])
    parts = [f"{number:,} {verdict}" for verdict, number in sorted(counts.items())]
    if not set(counts) - {"untested"}:
        return "No: no cell has two completed runs."
    return (
        f"Yes, bit for bit: of the cells that ran, {', '.join(parts)}. The ranges of the metrics "
        "stand under “What was found”."
    )


def _settings(facts: Facts) -> str:
    varied = [axis for axis, values in sorted(facts.settings.items()) if len(values) > 1]
    fixed = len(facts.settings) - len(varied)
    parts = [f"{axis}: {_values(facts, axis)}" for axis in varied]
    return (
        f"{'; '.join(parts) or 'None was varied'}. {fixed} further settings were the same in all "
        "runs; every record has all of them. Why these values were chosen is not in the records."
    )


def _computing(facts: Facts) -> Iterator[Answer]:
    seconds = all_times(facts.times.values())
    count = len(facts.hardware)
    machines = f"{count} machine{'' if count == 1 else 's'}"
    limits = f"; limits per run: {', '.join(sorted(facts.limits))}" if facts.limits else ""
    yield Answer(
        question="Which hardware, how much computing?",
        text=f"{machines}, see “Hardware”; {_hours(seconds)}{limits}.",
    )
    yield _unanswered("Energy, emissions?", "energy and emissions")


def _hours(seconds: Sequence[float]) -> str:
    if not seconds:
        return "how long the runs took is not in the records"
    return f"{len(seconds):,} runs of {sum(seconds) / 3600:.2f} hours in all, see “Times”"


def _data(facts: Facts, data: Sequence[KnownData]) -> Iterator[Answer]:
    known = {each.sha256: each for each in data}
    parts = list(_data_sets(facts, known))
    parts += [f"file {name}: SHA-256 {sha256}" for name, sha256 in sorted(facts.files.items())]
    question = "Which data, in which version, where from?"
    text = ". ".join(parts) or _NOT
    yield Answer(question=question, text=text, missing="" if parts else "Which data were used.")
    yield _unanswered("Licence of the data?", "the licence of the data (the catalogue has none)")


def _data_sets(facts: Facts, known: dict[str, KnownData]) -> Iterator[str]:
    for sha256, workloads in sorted(facts.data.items()):
        entry = known.get(sha256)
        title = entry.title if entry else "Data that are in no catalogue"
        originals = dict(entry.originals) if entry else {}
        files = [f"{name} {digest}" for name, digest in sorted(originals.items())]
        made = f"; originals by SHA-256: {', '.join(files)}" if files else ""
        yield f"{title} ({', '.join(sorted(workloads))}); as trained on, SHA-256 {sha256}{made}"


def _code(facts: Facts) -> Iterator[Answer]:
    scripts = [f"{path} (SHA-256 {sha256})" for path, sha256 in sorted(facts.scripts)]
    used = (
        f"{len(facts.codes)} version{'' if len(facts.codes) == 1 else 's'} of the code, by digest"
    )
    own = f"; users' scripts: {', '.join(scripts)}" if scripts else ""
    yield Answer(
        question="Is the code given, in which version?",
        text=f"{used}: {', '.join(sorted(facts.codes))}{own}.",
        missing="The users' scripts themselves." if scripts else "",
    )
    locks = {key.lock_sha256 for key in facts.environments if key.lock_sha256}
    yield Answer(
        question="Are dependencies given with versions?",
        text=f"{len(locks)} lock{'' if len(locks) == 1 else 's'}, every package with its hashes; "
        "see “Environments”.",
    )


def _incomplete(runs: pd.DataFrame) -> str:
    rest = runs[runs["status"] != "completed"]
    reasons = [str(reason).partition("\n")[0] for reason in rest["reason"].fillna("")]
    counts = Counter(zip(rest["status"].astype(str), reasons, strict=True))
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{n:,} {status}: {reason or 'no reason'}" for (status, reason), n in ordered[:_SHOWN]]
    more = [f"and {len(ordered) - _SHOWN} further reasons"] if len(ordered) > _SHOWN else []
    return "; ".join([*parts, *more]) or "All completed."
