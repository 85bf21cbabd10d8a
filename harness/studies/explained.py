"""What a search by hybrids found out, in sentences that a person can act on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.studies import diagnosis
from harness.studies.explanation import Explanation, Groups, Hybrid
from harness.studies.setting_groups import Group


@dataclass(frozen=True, kw_only=True)
class Study:
    """Two cells, what differs between them, and what the search said about it.

    `recorded` are the weights of both as recorded, `surroundings` what else differs between the
    recorded runs, `repeats` the runs that an equality rests upon.
    """

    groups: tuple[Group, ...]
    explanation: Explanation
    recorded: tuple[frozenset[str], frozenset[str]]
    surroundings: tuple[str, ...]
    repeats: int

    def of(self, names: Iterable[str]) -> list[Group]:
        """The groups of these names."""
        wanted = set(names)
        return [group for group in self.groups if group.name in wanted]


def sentences(study: Study) -> list[str]:
    """The answer first."""
    state = study.explanation.state
    if state == "unstable":
        return _unstable(study)
    if state == "incomplete":
        return [f"{end} gives no result here: {_obstacle(hybrid)}." for end, hybrid in _lame(study)]
    found = _equal(study) if state == "equal" else _explained(study)
    return [*found, *_others(study), diagnosis.limit(study.repeats)]


def fields(study: Study) -> dict[str, object]:
    """The answer for programs: sets of groups of settings, each of which is enough."""
    return {
        "state": study.explanation.state,
        "groups": {group.name: group.words for group in study.groups},
        "sets": [list(members) for members in study.explanation.sets],
        "surroundings": list(study.surroundings),
        "repeats": study.repeats,
    }


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def outcome(hybrid: Hybrid) -> str:
    """`2 of 2 equal`, or what came of it."""
    if not hybrid.is_complete:
        return _obstacle(hybrid)
    if hybrid.is_unstable:
        return f"{len(hybrid.weights)} different weights in {hybrid.completed} runs"
    return "1 run" if hybrid.asked == 1 else f"{hybrid.completed} of {hybrid.asked} equal"


def _obstacle(hybrid: Hybrid) -> str:
    return hybrid.obstacle.partition("\n")[0].rstrip(".: ") or "it did not complete"


def _ends(study: Study) -> list[tuple[str, Hybrid]]:
    return list(zip("AB", study.explanation.ends, strict=True))


def _lame(study: Study) -> list[tuple[str, Hybrid]]:
    return [(end, hybrid) for end, hybrid in _ends(study) if not hybrid.is_complete]


def _unstable(study: Study) -> list[str]:
    unstable = [(end, hybrid) for end, hybrid in _ends(study) if hybrid.is_unstable]
    said = listed([f"{end} is unstable here ({outcome(hybrid)})" for end, hybrid in unstable])
    return [
        f"{said}: a difference between runs that differ anyway has no cause among the settings.",
        f"First: what makes {listed([end for end, _ in unstable])} stable? --stable looks for it.",
    ]


def _equal(study: Study) -> list[str]:
    a, b = study.explanation.ends
    what = f"; beside that differs: {', '.join(study.surroundings)}" if study.surroundings else ""
    return [
        f"Not explained: here both leave the same bits (A: {outcome(a)}; B: {outcome(b)}), so"
        f" nothing of what is asked for makes the recorded ones differ{what}."
    ]


def _explained(study: Study) -> list[str]:
    explanation = study.explanation
    lines = [_answer(study, explanation.sets[0])]
    if len(explanation.sets) > 1:
        lines.append(_alternatives(study))
    elif explanation.rest:
        lines += _without_it(study, explanation.sets[0])
    for members in explanation.sets:
        lines += _members(study, members)
    return lines


def _answer(study: Study, members: Groups) -> str:
    explanation, groups = study.explanation, study.of(members)
    what = listed([group.words for group in groups])
    if len(explanation.groups) == 1:
        a, b = explanation.ends
        return (
            f"{what}: nothing else that can be asked for differs, and it changes the bits"
            f" (A: {outcome(a)}; B: {outcome(b)})."
        )
    with_it = explanation.of(members)
    assert with_it is not None
    alone = "alone explains it" if len(members) == 1 else "explain it together"
    them = "it" if len(members) == 1 else "them"
    return f"{what} {alone}: A with {them} leaves B's bits ({outcome(with_it)})."


def _without_it(study: Study, members: Groups) -> list[str]:
    """What B without the set leaves, and what that says of everything else."""
    explanation, them = study.explanation, "it" if len(members) == 1 else "them"
    without, (a, _) = explanation.of(explanation.rest), explanation.ends
    assert without is not None
    others = listed([group.words for group in study.of(explanation.rest)])
    if without.bits == a.bits:
        return [
            f"B without {them} leaves A's bits ({outcome(without)}).",
            f"Ruled out, as nothing changes with or without {them}: {others}.",
        ]
    if not without.is_complete:
        return [f"What B without {them} leaves is not known: {_obstacle(without)}."]
    left = _left(study, without)
    return [f"But B without {them} leaves {left}: {others} count as well, only not beside {them}."]


def _alternatives(study: Study) -> str:
    explanation = study.explanation
    sets = [listed([g.words for g in study.of(each)]) for each in explanation.sets[1:]]
    neither = explanation.of(explanation.rest)
    assert neither is not None
    ends = f"with none of these B leaves {_left(study, neither)}"
    return f"Enough without it, too: {'; '.join(sets)}. And {ends}."


def _members(study: Study, members: Groups) -> list[str]:
    """What shows that no member of a set can be left out."""
    if len(members) == 1:
        return []
    without = study.explanation.without(members)
    parts = [
        f"without {name}: {'not known' if each is None else _left(study, each)}"
        for name, each in without.items()
    ]
    size = "" if study.explanation.is_smallest else " (not every smaller set was tried)"
    return [f"No member can be left out{size}: {'; '.join(parts)}."]


def _left(study: Study, hybrid: Hybrid) -> str:
    """Whose bits a hybrid left: `A's bits (1 run)`."""
    a, b = study.explanation.ends
    if hybrid.bits is None:
        return f"no one result ({outcome(hybrid)})"
    owners = {a.bits: "A's bits", b.bits: "B's bits"}
    other = f"other bits ({study.explanation.letters[hybrid.bits]})"
    return f"{owners.get(hybrid.bits, other)} ({outcome(hybrid)})"


def _others(study: Study) -> list[str]:
    """What makes the answer say less than it seems to."""
    lines = []
    for (end, hybrid), recorded in zip(_ends(study), study.recorded, strict=True):
        if hybrid.bits not in recorded:
            lines.append(
                f"{end} leaves other bits here than were recorded; what is said is about what the"
                " two leave here."
            )
    not_run = [each for each in study.explanation.tried if not each.is_complete]
    if not_run:
        said = "; ".join(f"{name_of(study.groups, each)}: {_obstacle(each)}" for each in not_run)
        lines.append(f"No result, so nothing is said about: {said}.")
    return lines


def name_of(groups: Sequence[Group], hybrid: Hybrid) -> str:
    """`A`, `B`, or what the hybrid has of the one that it has less of."""
    taken = [group for group in groups if group.name in hybrid.taken]
    left = [group for group in groups if group.name not in hybrid.taken]
    if not taken or not left:
        return "A" if not taken else "B"
    if len(taken) <= len(left):
        return f"A with {', '.join(group.of('B') for group in taken)}"
    return f"B with {', '.join(group.of('A') for group in left)}"
