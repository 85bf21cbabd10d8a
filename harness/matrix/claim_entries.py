"""The claims of a matrix file: from its nodes to values, and whether its cells can show them."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import yaml

from harness.matrix import cells, text, value_nodes
from harness.matrix.cells import Cell, fits, value_of
from harness.matrix.claim import MACHINE, Claim, Expectation, Where, in_words
from harness.matrix.matrix import Matrix
from harness.matrix.text import Problems
from harness.matrix.value_nodes import AXIS_KEYS, Declared
from harness.matrix.values import ENVIRONMENT_KEYS
from harness.protocol.axes import Value

KEYS = ("id", "says", "source", "where", "expect")
REQUIRED = ("id", "says", "expect")
NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}$")
WORDS = ("stable", "unstable")
OVER = ("different over", "equal over")
WITH = ("stable with", "unstable with")
COMPARED = (*ENVIRONMENT_KEYS, *(name for name in AXIS_KEYS if name != "workload"), MACHINE)
"""What pairs of cells may differ in, besides the parameters of scripts."""

_FORMS = (
    "stable, unstable, {different over: AXIS}, {equal over: AXIS} or "
    "{stable with: {AXIS: VALUE}, unstable with: {AXIS: VALUE}}"
)


@dataclass(frozen=True, kw_only=True)
class ClaimEntry:
    """A claim, and where its parts stand in the file: by `where` and the keys of `expect`."""

    claim: Claim
    node: yaml.Node
    parts: Mapping[str, yaml.Node]


def read(nodes: Iterable[yaml.Node], problems: Problems, declared: Declared) -> list[ClaimEntry]:
    """The claims in these nodes, without those that are wrong."""
    found: dict[str, ClaimEntry] = {}
    for node in nodes:
        entry = _entry(node, problems, declared)
        if entry is not None and entry.claim.id in found:
            where = text.mapping(node, "a claim", problems, KEYS)["id"]
            problems.add(where, f"another claim has the id {entry.claim.id!r}; give it its own")
        elif entry is not None:
            found[entry.claim.id] = entry
    return list(found.values())


def _entry(node: yaml.Node, problems: Problems, declared: Declared) -> ClaimEntry | None:
    before = len(problems.found)
    entries = text.mapping(node, "a claim", problems, KEYS)
    present = {key for key, _ in text.key_nodes(node)}
    for key in REQUIRED:
        if isinstance(node, yaml.MappingNode) and key not in present:
            problems.add(node, f"a claim needs `{key}`")
    name = _line(entries, "id", problems)
    if name and not NAME.fullmatch(name):
        what = "small letters, digits, '.', '_' and '-', first a letter or digit, 64 at most"
        problems.add(entries["id"], f"the id {name!r} of a claim needs {what}")
    says, source = (_line(entries, key, problems) for key in ("says", "source"))
    where = _where(entries.get("where"), "where", problems, declared)
    expect, parts = _expectation(entries.get("expect"), problems, declared)
    if len(problems.found) > before or expect is None:
        return None
    claim = Claim(id=name, says=says, source=source, where=where, expect=expect)
    return ClaimEntry(claim=claim, node=node, parts={**entries, **parts})


def _line(entries: Mapping[str, yaml.Node], key: str, problems: Problems) -> str:
    if key not in entries:
        return ""
    return " ".join((text.scalar(entries[key], key, problems) or "").split())


def _where(node: yaml.Node | None, what: str, problems: Problems, declared: Declared) -> Where:
    if node is None:
        return {}
    known = (*ENVIRONMENT_KEYS, *AXIS_KEYS, *declared.parameters)
    entries = text.mapping(node, what, problems, known)
    return {key: _values(key, value, problems, declared) for key, value in entries.items()}


def _values(key: str, node: yaml.Node, problems: Problems, declared: Declared) -> tuple[Value, ...]:
    if key in ENVIRONMENT_KEYS:
        return value_nodes.version_globs(key, node, problems)
    if key in AXIS_KEYS:
        return value_nodes.axis(key, node, problems, declared)
    return value_nodes.parameter(key, node, problems)


def _expectation(
    node: yaml.Node | None, problems: Problems, declared: Declared
) -> tuple[Expectation | None, Mapping[str, yaml.Node]]:
    if node is None:
        return None, {}
    if not isinstance(node, yaml.MappingNode):
        return _word(node, problems), {}
    entries = text.mapping(node, "expect", problems, (*OVER, *WITH))
    given = set(entries)
    if given == set(WITH):
        return _divided(entries, problems, declared), entries
    if len(given) == 1 and given <= set(OVER):
        return _compared(*next(iter(entries.items())), problems, declared), entries
    problems.add(node, f"expect must be one of: {_FORMS}")
    return None, {}


def _word(node: yaml.Node, problems: Problems) -> Expectation | None:
    word = text.scalar(node, "expect", problems)
    if word in WORDS:
        return Expectation(kind=word)  # type: ignore[arg-type]
    if word is not None:
        problems.add(node, f"expect cannot be {word!r}; it must be one of: {_FORMS}")
    return None


def _compared(
    key: str, node: yaml.Node, problems: Problems, declared: Declared
) -> Expectation | None:
    over = text.scalar(node, key, problems)
    known = (*COMPARED, *declared.parameters)
    if over is not None and over not in known:
        problems.add(node, f"{key}: there is no axis {over!r}{text.suggestion(over, known)}")
        return None
    kind = key.partition(" ")[0]
    return Expectation(kind=kind, over=over or "")  # type: ignore[arg-type]


def _divided(
    entries: Mapping[str, yaml.Node], problems: Problems, declared: Declared
) -> Expectation:
    parts = [_where(entries[key], key, problems, declared) for key in WITH]
    for key, part in zip(WITH, parts, strict=True):
        if isinstance(entries[key], yaml.MappingNode) and not part:
            problems.add(entries[key], f"`{key}` needs at least one axis with a value")
        if "workload" in part:
            problems.add(entries[key], f"`{key}` compares cells of one workload: put it in `where`")
    return Expectation(kind="divided", stable_with=parts[0], unstable_with=parts[1])


def check(entries: Iterable[ClaimEntry], matrix: Matrix, problems: Problems) -> None:
    """Note claims about cells that the matrix, which is right otherwise, does not have.

    Of a claim with a value that no cell has, nothing else is said.
    """
    conditions = list(itertools.chain.from_iterable(map(_conditions, entries)))
    unmet = _unmet(conditions, matrix)
    with_unknown_values = {one.claim for one in unmet if one.is_of_value}
    for one in unmet:
        if one.is_of_value or one.claim not in with_unknown_values:
            problems.add(one.node, one.message)


@dataclass(kw_only=True)
class _Condition:
    """What some cell of the matrix has to fit; with `over`, cells with two values of that key.

    `is_of_value` says that it is about a single value; `seen` are the values of `over` so far.
    """

    claim: str
    node: yaml.Node
    message: str
    where: Where
    over: str = ""
    is_of_value: bool = False
    seen: set[Value | None] = field(default_factory=set)

    def is_met(self, cell: Cell) -> bool:
        """Whether it is met, now that the matrix has this cell, too."""
        if not fits(self.where, cell.environment, cell.values):
            return False
        self.seen.add(value_of(self.over, cell.environment, cell.values) if self.over else None)
        return len(self.seen) > (1 if self.over else 0)


def _unmet(conditions: list[_Condition], matrix: Matrix) -> list[_Condition]:
    if not conditions:
        return []
    for cell in cells.cells(matrix):
        if cell.status != "excluded":
            conditions = [one for one in conditions if not one.is_met(cell)]
        if not conditions:
            break
    return conditions


def _conditions(entry: ClaimEntry) -> Iterator[_Condition]:
    claim, expect = entry.claim, entry.claim.expect
    common = partial(_Condition, claim=claim.id)
    for key, where in zip(("where", *WITH), (claim.where, *_with(expect)), strict=True):
        yield from _of_values(entry, key, where)
        if where and (key != "where" or expect.kind != "divided"):
            whole = {**claim.where, **where}
            yield common(
                node=entry.parts[key],
                message=f"no cell of this matrix has {in_words(whole)}; excluded ones do not count",
                where=whole,
            )
    if expect.over and expect.over != MACHINE:
        yield common(
            node=entry.parts[f"{expect.kind} over"],
            message=f"no two cells that this claim is about have other values of {expect.over}",
            where=claim.where,
            over=expect.over,
        )


def _with(expect: Expectation) -> tuple[Where, Where]:
    return expect.stable_with, expect.unstable_with


def _of_values(entry: ClaimEntry, part: str, where: Where) -> Iterator[_Condition]:
    """A condition for each single value in a part of the claim, at its own place."""
    node = entry.parts.get(part)
    for key_node, value_node in node.value if node is not None else ():
        key = str(key_node.value)
        for place, value in zip(text.items(value_node), where[key], strict=True):
            one: Where = {key: (value,)}
            message = f"no cell of this matrix has {in_words(one)}"
            yield _Condition(
                claim=entry.claim.id, node=place, message=message, where=one, is_of_value=True
            )
