"""The values of axes, parameters and environment keys, from the nodes of a matrix file."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import yaml

from harness.matrix import text, values
from harness.matrix.text import Problems
from harness.matrix.values import InvalidValueError
from harness.protocol.axes import BY_NAME, NAMES, Axis, Value
from harness.subjects.scripts import ScriptEntry

PARAMETERS = "parameters"
"""This axis is not written in a matrix file: each parameter stands there by its own name."""

AXIS_KEYS = tuple(name for name in NAMES if name != PARAMETERS)

_GLOB = re.compile(r"(?=.*[*?])[0-9a-z.*?]{1,40}")

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What a matrix file declares, and its values may name.

    `consents` are variables that it sets on its own responsibility, `scripts` its own workloads.
    """

    consents: Collection[str] = ()
    scripts: Mapping[str, ScriptEntry] = field(default_factory=dict)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the parameters of all scripts."""
        found = {name: None for script in self.scripts.values() for name in script.parameters}
        return tuple(found)


def axes(
    entries: Mapping[str, yaml.Node], problems: Problems, declared: Declared
) -> dict[str, tuple[Value, ...]]:
    """The values of each axis in these entries, in catalogue order."""
    present = [name for name in AXIS_KEYS if name in entries]
    return {name: axis(name, entries[name], problems, declared) for name in present}


def parameters(
    entries: Mapping[str, yaml.Node], problems: Problems, declared: Declared
) -> dict[str, tuple[str, ...]]:
    """The values of each parameter in these entries."""
    present = [name for name in declared.parameters if name in entries]
    return {name: parameter(name, entries[name], problems) for name in present}


def axis(name: str, node: yaml.Node, problems: Problems, declared: Declared) -> tuple[Value, ...]:
    """The values that a node gives an axis."""
    found = [_value(BY_NAME[name], member, problems, declared) for member in text.items(node)]
    return _distinct(name, node, found, problems)


def parameter(name: str, node: yaml.Node, problems: Problems) -> tuple[str, ...]:
    """The values that a node gives a parameter."""
    found = [_line(name, member, problems) for member in text.items(node)]
    return _distinct(name, node, found, problems)


def versions(key: str, node: yaml.Node, problems: Problems) -> tuple[str, ...]:
    """The values that a node gives an environment key."""
    found = [_version(key, member, problems) for member in text.items(node)]
    return _distinct(key, node, found, problems)


def version_globs(key: str, node: yaml.Node, problems: Problems) -> tuple[str, ...]:
    """The versions, or globs of versions such as `2.1*`, that a node names."""
    found = [
        str(member.value) if _is_glob(member) else _version(key, member, problems)
        for member in text.items(node)
    ]
    return _distinct(key, node, found, problems)


def _is_glob(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and _GLOB.fullmatch(node.value) is not None


def checked(node: yaml.Node, problems: Problems, parse: Callable[[], T]) -> T | None:
    """What `parse` returns; None, and a problem at `node`, where it is not allowed."""
    try:
        return parse()
    except InvalidValueError as error:
        problems.add(node, str(error))
        return None


def _value(axis: Axis, node: yaml.Node, problems: Problems, declared: Declared) -> Value | None:
    if axis.is_mapping:
        return _variables(axis, node, problems, declared)
    if axis.parts and isinstance(node, yaml.SequenceNode):
        words = [text.scalar(each, f"a part of {axis.name}", problems) for each in node.value]
        given = [word for word in words if word]
        return checked(node, problems, partial(values.joined, axis, given))
    word = text.scalar(node, f"a value of {axis.name}", problems)
    parse = partial(values.axis_value, axis, word or "", scripts=tuple(declared.scripts))
    return checked(node, problems, parse) if word else None


def _variables(axis: Axis, node: yaml.Node, problems: Problems, declared: Declared) -> Value | None:
    """The variables a mapping sets; each that may not be set is a problem at its own place."""
    before = len(problems.found)
    written: dict[str, str] = {}
    for name, value_node in text.mapping(node, f"a value of {axis.name}", problems).items():
        value = text.scalar(value_node, f"the variable {name}", problems)
        if value is not None:
            check = partial(values.check_variable, name, value, declared.consents)
            checked(value_node, problems, check)
            written[name] = value
    return None if len(problems.found) > before else tuple(sorted(written.items()))


def _line(name: str, node: yaml.Node, problems: Problems) -> str | None:
    word = text.scalar(node, f"a value of {name}", problems)
    return checked(node, problems, partial(values.parameter_value, name, word)) if word else None


def _version(key: str, node: yaml.Node, problems: Problems) -> str | None:
    word = text.scalar(node, f"a version of {key}", problems)
    return checked(node, problems, lambda: values.version(key, word)) if word else None


def _distinct(
    what: str, node: yaml.Node, found: Sequence[T | None], problems: Problems
) -> tuple[T, ...]:
    """The values without the wrong ones; an empty list and a value given twice are problems."""
    if not found:
        problems.add(node, f"{what} has an empty list; leave it out for its default")
    distinct: dict[T, None] = {}
    for place, value in zip(text.items(node), found, strict=True):
        if value is not None and value in distinct:
            problems.add(place, f"{what} has this value twice")
        elif value is not None:
            distinct[value] = None
    return tuple(distinct)
