"""Which settings turn one cell's bits into another's: the search by hybrids, without its runs.

A hybrid has some groups of settings as cell B has them and the others as A has them. The search
asks an `Oracle` for hybrids and claims nothing that none of them showed. A hybrid that cannot run
shows nothing: it counts neither as equal nor as different.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from harness.analysis.class_letters import class_letter

Groups = tuple[str, ...]
"""Names of groups of settings, the cheapest to change first."""

ALL_UP_TO = 3
"""So many groups are few enough to run every hybrid of them."""


@dataclass(frozen=True, kw_only=True)
class Hybrid:
    """What the runs of one hybrid left.

    `taken` are the groups that it has of B. `completed` of `asked` runs completed and left the
    different `weights`, in the order in which they appeared; equal ones of them started from the
    `init` of the same place. `obstacle` says why runs did not complete, "" where all did.
    """

    taken: frozenset[str]
    asked: int
    completed: int
    weights: Groups
    init: Groups = ()
    obstacle: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether it shows anything: every run completed."""
        return bool(self.completed) and self.completed == self.asked

    @property
    def is_unstable(self) -> bool:
        """Whether its own runs differ."""
        return len(self.weights) > 1

    @property
    def bits(self) -> str | None:
        """The weights that all its runs left; None where they differ or did not complete."""
        return self.weights[0] if self.is_complete and not self.is_unstable else None


Oracle = Callable[[frozenset[str], int], Hybrid]
"""(groups as B has them, number of runs) -> what these runs left; runs made before count."""

State = Literal["explained", "equal", "unstable", "incomplete"]


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What was found out about the difference of two cells.

    `sets` are sets of groups which alone turn A's bits into B's, and of which no member can be left
    out as far as hybrids ran; the first has the fewest members. There are several where more than
    one is enough. `tried` are all hybrids in the order in which they were first asked for.
    """

    groups: Groups
    sets: tuple[Groups, ...]
    tried: tuple[Hybrid, ...]

    def of(self, taken: Iterable[str]) -> Hybrid | None:
        """The hybrid with these groups of B, None where it was not asked for."""
        wanted = frozenset(taken)
        return next((each for each in self.tried if each.taken == wanted), None)

    @property
    def ends(self) -> tuple[Hybrid, Hybrid]:
        """A and B as they are."""
        a, b = self.of(()), self.of(self.groups)
        assert a is not None and b is not None
        return a, b

    @property
    def state(self) -> State:
        """What the search ended with; all but the first are about the ends."""
        a, b = self.ends
        if a.is_unstable or b.is_unstable:
            return "unstable"
        if a.bits is None or b.bits is None:
            return "incomplete"
        return "equal" if a.bits == b.bits else "explained"

    @property
    def decisive(self) -> Groups:
        """Every group that is in one of the sets."""
        named = {name for each in self.sets for name in each}
        return tuple(name for name in self.groups if name in named)

    @property
    def rest(self) -> Groups:
        """The groups that are in none of them."""
        return tuple(name for name in self.groups if name not in self.decisive)

    def without(self, members: Groups) -> Mapping[str, Hybrid | None]:
        """For each member of a set, the hybrid with the others alone."""
        return {name: self.of(_less(members, (name,))) for name in members}

    @property
    def is_smallest(self) -> bool:
        """Whether every smaller set than the first was tried, and none was enough."""
        size = len(self.sets[0])
        smaller = (taken for n in range(1, size) for taken in combinations(self.groups, n))
        return all((hybrid := self.of(taken)) and hybrid.is_complete for taken in smaller)

    @property
    def letters(self) -> dict[str, str]:
        """A letter for each weights: A and B for those of the ends, others as they appeared."""
        ends = (hybrid.bits for hybrid in self.ends if hybrid.bits is not None)
        every = (weights for hybrid in self.tried for weights in hybrid.weights)
        different = dict.fromkeys((*ends, *every))
        return {weights: class_letter(number) for number, weights in enumerate(different)}


def most_hybrids(groups: int) -> int:
    """How many hybrids a search may ask for beside the two ends."""
    every = (1 << groups) - 2
    return every if groups <= ALL_UP_TO else min(every, groups * (groups + 1))


def explain(groups: Groups, oracle: Oracle, *, repeats: int) -> Explanation:
    """Look for the smallest set of groups that turns A's bits into B's.

    Both ends are run `repeats` times, and so is every hybrid that the answer rests upon; the others
    once. Of few groups every hybrid is run. Of more, each group is tried alone, the cheapest first,
    until one is enough; where none is, those that change anything are tried together, then all,
    and left out one at a time. So groups that act only together are found. What is left is
    then tried without that set, which shows whether it is needed.
    """
    hybrids = _Hybrids(oracle, repeats)
    a, b = hybrids.sure(()), hybrids.sure(groups)
    if not groups or a.bits is None or b.bits is None or a.bits == b.bits:
        return Explanation(groups=groups, sets=(), tried=hybrids.tried)
    hybrids.ends = a.bits, b.bits
    found = _of_all(groups, hybrids) if len(groups) <= ALL_UP_TO else _greedily(groups, hybrids)
    return Explanation(groups=groups, sets=tuple(found), tried=hybrids.tried)


class _Hybrids:
    """Hybrids asked for, each once; `ends` are the weights of A and of B."""

    def __init__(self, oracle: Oracle, repeats: int) -> None:
        self._oracle = oracle
        self._repeats = repeats
        self._known: dict[frozenset[str], Hybrid] = {}
        self.ends: tuple[str, str] = ("", "")

    @property
    def tried(self) -> tuple[Hybrid, ...]:
        return tuple(self._known.values())

    def once(self, taken: Iterable[str]) -> Hybrid:
        """What is known of a hybrid, or one run of it."""
        wanted = frozenset(taken)
        if wanted not in self._known:
            self._known[wanted] = self._oracle(wanted, 1)
        return self._known[wanted]

    def sure(self, taken: Iterable[str]) -> Hybrid:
        """A hybrid with all its repeats; one that cannot run is not asked for again."""
        wanted = frozenset(taken)
        known = self._known.get(wanted)
        if known is None or (known.asked < self._repeats and known.bits is not None):
            self._known[wanted] = self._oracle(wanted, self._repeats)
        return self._known[wanted]

    def gives_b(self, taken: Iterable[str]) -> bool:
        return self.once(taken).bits == self.ends[1]

    def changes(self, taken: Iterable[str]) -> bool:
        """Whether it was seen to leave something else than A does."""
        return any(weights != self.ends[0] for weights in self.once(taken).weights)


def _of_all(groups: Groups, hybrids: _Hybrids) -> list[Groups]:
    """All sets that are enough and have no smaller one in them, from every hybrid there is."""
    subsets = [taken for size in range(1, len(groups) + 1) for taken in combinations(groups, size)]
    for taken in subsets:
        hybrids.once(taken)
    found: list[Groups] = []
    for taken in subsets:
        holds_another = any(set(each) <= set(taken) for each in found)
        if not holds_another and hybrids.gives_b(taken) and _is_sure(taken, hybrids):
            found.append(taken)
    for taken in (*found, tuple({name for each in found for name in each})):
        hybrids.sure(_less(groups, taken))
    return found


def _is_sure(taken: Groups, hybrids: _Hybrids) -> bool:
    return hybrids.sure(taken).bits == hybrids.ends[1]


def _greedily(groups: Groups, hybrids: _Hybrids) -> list[Groups]:
    """A set that is enough, and as long as what is left is enough, too, one of that."""
    found: list[Groups] = []
    rest = groups
    while rest and hybrids.gives_b(rest):
        one = _confirmed(rest, hybrids)
        if one is None:
            break
        found.append(one)
        rest = _less(rest, one)
    hybrids.sure(rest)
    return sorted(found, key=len)


def _confirmed(groups: Groups, hybrids: _Hybrids) -> Groups | None:
    """A set that leaves B's bits in all repeats. One that did so once only is not asked again."""
    while (found := _smallest(groups, hybrids)) is not None:
        if _is_sure(found, hybrids):
            return found
    return None


def _smallest(groups: Groups, hybrids: _Hybrids) -> Groups | None:
    alone = next((name for name in groups if hybrids.gives_b((name,))), None)
    if alone is not None:
        return (alone,)
    changing = tuple(name for name in groups if hybrids.changes((name,)))
    for start in (changing, groups):
        if len(start) > 1 and hybrids.gives_b(start):
            return _reduced(start, hybrids)
    return None


def _reduced(groups: Groups, hybrids: _Hybrids) -> Groups:
    """Leave out what is not needed, the dearest first, until no member can be left out."""
    smallest = groups
    for name in reversed(groups):
        rest = _less(smallest, (name,))
        if rest and hybrids.gives_b(rest):
            smallest = rest
    return smallest if smallest == groups else _reduced(smallest, hybrids)


def _less(groups: Sequence[str], names: Iterable[str]) -> Groups:
    return tuple(name for name in groups if name not in set(names))
