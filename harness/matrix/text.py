"""YAML text with positions: scalars stay text, duplicate keys are problems, nothing is executed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import yaml

MAX_CHARACTERS = 200_000
_PLAINLY = {"expected '<document start>', but found '<scalar>'": "it reads as plain text"}
"""What PyYAML says of files that are something else, in words for people."""
MAX_NODES = 10_000
MAX_DEPTH = 16
"""A matrix needs four levels, and some hundred values; YAML is read by about 20,000 a second."""

_NO_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\ud800-\udfff]")
"""Escapes can make these; they fit into no file name, environment variable or table."""


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


class _RefusedError(yaml.MarkedYAMLError):
    """It is YAML, and nothing that a matrix could need."""

    def __init__(self, what: str, event: yaml.Event) -> None:
        super().__init__(problem=what, problem_mark=event.start_mark)  # type: ignore[arg-type]


class _Loader(yaml.BaseLoader):
    """Leaves scalars the text they are, and stops where a text is made to wear a reader out."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """One node and all below it, within the limits."""
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        self._depth += 1
        self._nodes += 1
        refusal = self._refusal(event)
        if refusal:
            raise _RefusedError(refusal, event)
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def _refusal(self, event: yaml.Event) -> str:
        if self._depth > MAX_DEPTH:
            return "nested too deeply; a matrix needs four levels"
        if self._nodes > MAX_NODES:
            return f"more than {MAX_NODES:,} values; list them as axes, or split the matrix"
        tag = getattr(event, "tag", None)
        if tag is not None:
            return f"the tag {str(tag)[:60]!r} is not known here; leave it out, values are texts"
        if isinstance(event, yaml.ScalarEvent) and _NO_TEXT.search(event.value):
            return "this text holds a control character or half a character; leave it out"
        return ""


def compose(
    text: str, problems: Problems, needs: str = "schema, name and environments"
) -> yaml.Node | None:
    """The node tree of a YAML text, None where it is empty or not YAML (then a problem is noted).

    Every scalar is left the text it is: `2.10` stays 2.10 and `on` is no truth value. `needs` says
    what an empty file lacks.
    """
    if len(text) > MAX_CHARACTERS:
        _add_at(problems, 0, 0, f"the file has more than {MAX_CHARACTERS:,} characters")
        return None
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        _add_at(problems, *position(text, error.position), f"this is not YAML: {error.reason}")
        return None
    node = _composed(loader, problems)
    if node is None and not problems.found:
        _add_at(problems, 0, 0, f"the file is empty; it needs {needs}")
    return node


def _composed(loader: _Loader, problems: Problems) -> yaml.Node | None:
    try:
        node: yaml.Node | None = loader.get_single_node()
    except _RefusedError as error:
        _add_mark(problems, error.problem_mark, str(error.problem))
    except yaml.MarkedYAMLError as error:
        said = _PLAINLY.get(str(error.problem), error.problem or error.context)
        what = f"this is not YAML: {said}"
        _add_mark(problems, error.problem_mark or error.context_mark, what)
    except (ValueError, OverflowError):
        # PyYAML asks for the character of any number: "\U00110000".
        _add_mark(problems, loader.get_mark(), "this is not YAML: no such character")
    else:
        return node
    return None


def _add_mark(problems: Problems, mark: yaml.Mark | None, message: str) -> None:
    line, column = (mark.line, mark.column) if mark else (0, 0)
    _add_at(problems, line, column, message)


def position(text: str | bytes, offset: int) -> tuple[int, int]:
    """The line and column, from 0, of an offset in a text."""
    newline = "\n" if isinstance(text, str) else b"\n"
    before = text[:offset]
    return before.count(newline), offset - before.rfind(newline) - 1  # type: ignore[arg-type]


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


def key_nodes(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
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


def is_empty(node: yaml.Node) -> bool:
    """Whether a key has no value, or an empty list or mapping."""
    return len(node.value) == 0


def kind_of(node: yaml.Node) -> str:
    """What a node is, in words for a message."""
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    return "nothing" if node.value == "" else f"{node.value!r}"
