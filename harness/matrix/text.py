"""YAML text with positions: scalars stay text, duplicate keys are problems, nothing is executed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import yaml

MAX_CHARACTERS = 1_000_000


@dataclass(frozen=True, kw_only=True, order=True)
class Problem:
    """One thing wrong with a file: where (from 1), what, and what to do about it."""

    line: int
    column: int
    message: str


@dataclass(kw_only=True)
class Problems:
    """Collects every problem of a file, so that all are reported at once."""

    found: list[Problem] = field(default_factory=list)

    def add(self, node: yaml.Node, message: str) -> None:
        """Note a problem at the place where `node` starts."""
        mark = node.start_mark
        self.found.append(Problem(line=mark.line + 1, column=mark.column + 1, message=message))


def compose(text: str, problems: Problems) -> yaml.Node | None:
    """The node tree of a YAML text, None where it is empty or not YAML (then a problem is noted).

    `BaseLoader` leaves every scalar the text it is: `2.10` stays 2.10 and `on` is no truth value.
    """
    if len(text) > MAX_CHARACTERS:
        _add_at(problems, 0, 0, f"the file has more than {MAX_CHARACTERS:,} characters")
        return None
    try:
        node = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        _add_at(problems, line, column, f"this is not YAML: {error.problem or error.context}")
        return None
    except yaml.YAMLError as error:
        _add_at(problems, 0, 0, f"this is not YAML: {error}")
        return None
    except RecursionError:
        _add_at(problems, 0, 0, "nested too deeply; a matrix needs four levels")
        return None
    if node is None:
        _add_at(problems, 0, 0, "the file is empty; it needs schema, name and environments")
    return node


def _add_at(problems: Problems, line: int, column: int, message: str) -> None:
    problems.found.append(Problem(line=line + 1, column=column + 1, message=message))


def scalar(node: yaml.Node, what: str, problems: Problems) -> str | None:
    """The text of a scalar; anything else is a problem."""
    if isinstance(node, yaml.ScalarNode) and node.value != "":
        return str(node.value)
    problems.add(node, f"{what} must be a single value, not {kind_of(node)}")
    return None


def items(node: yaml.Node) -> list[yaml.Node]:
    """The members of a sequence; one value may stand without brackets."""
    return list(node.value) if isinstance(node, yaml.SequenceNode) else [node]


def mapping(
    node: yaml.Node, what: str, problems: Problems, known: Iterable[str] | None = None
) -> dict[str, yaml.Node]:
    """The entries of a mapping by key; duplicate and unknown keys are problems.

    `known` lists the keys allowed; None allows any.
    """
    if not isinstance(node, yaml.MappingNode):
        problems.add(node, f"{what} must be a mapping (key: value), not {kind_of(node)}")
        return {}
    entries: dict[str, yaml.Node] = {}
    allowed = None if known is None else list(known)
    for key_node, value in node.value:
        key = scalar(key_node, "a key", problems)
        if key is None:
            continue
        if key in entries:
            problems.add(key_node, f"the key {key!r} stands twice in {what}")
        elif allowed is not None and key not in allowed:
            problems.add(key_node, f"unknown key {key!r} in {what}{suggestion(key, allowed)}")
        else:
            entries[key] = value
    return entries


def key_nodes(node: yaml.Node) -> Iterator[tuple[str, yaml.Node]]:
    """The keys of a mapping with their own nodes, for positions."""
    if isinstance(node, yaml.MappingNode):
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode):
                yield str(key_node.value), key_node


def suggestion(word: str, known: Iterable[str]) -> str:
    """`; perhaps you meant 'x'` for the nearest known word, else the list of them."""
    options = list(known)
    near = difflib.get_close_matches(word.replace("-", "_"), options, n=1, cutoff=0.6)
    near = near or difflib.get_close_matches(word, options, n=1, cutoff=0.6)
    if near:
        return f"; perhaps you meant {near[0]!r}"
    return f"; known are {', '.join(options)}"


def kind_of(node: yaml.Node) -> str:
    """What a node is, in words for a message."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return "nothing" if node.value == "" else f"{node.value!r}"
