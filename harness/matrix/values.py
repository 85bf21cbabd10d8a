"""One value of an axis or environment key: from the text in the file to what the program uses."""

from __future__ import annotations

import re
from collections.abc import Container

import yaml

from harness import compatibility
from harness.matrix import text, variables
from harness.matrix.text import Problems
from harness.protocol.axes import Axis, Value
from harness.subjects.reference import with_names

ENVIRONMENT_KEYS = ("python", "tensorflow", "numpy", "keras")

MAX_DIGITS = 12
MAX_VERSION = 40
_WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]*")
_RELEASE = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+((a|b|rc|\.post)[0-9]+)?")
_MINOR = re.compile(r"[0-9]+\.[0-9]+")


def axis_value(
    axis: Axis, node: yaml.Node, problems: Problems, consents: Container[str] = ()
) -> Value | None:
    """The value `node` gives to `axis`, None (and a problem) where it is not allowed.

    `consents` are the names of variables that the matrix sets on its own responsibility.
    """
    if axis.is_mapping:
        return _variables(axis, node, problems, consents)
    axis = with_names(axis)
    word = text.scalar(node, f"a value of {axis.name}", problems)
    if word is None:
        return None
    if word in axis.words:
        return word
    number = whole_number(word)
    if number is not None and _in_bounds(axis, number):
        return number
    hint = _hint(axis, word)
    problems.add(node, f"{axis.name} cannot be {word!r}; allowed: {axis.allowed}{hint}")
    return None


def _in_bounds(axis: Axis, number: int) -> bool:
    return (
        axis.minimum is not None
        and number >= axis.minimum
        and (axis.maximum is None or number <= axis.maximum)
    )


def whole_number(word: str) -> int | None:
    """The number a text stands for, None where it is none or absurdly long."""
    return int(word) if len(word) <= MAX_DIGITS and _WHOLE_NUMBER.fullmatch(word) else None


def _hint(axis: Axis, word: str) -> str:
    switch = {"true": "on", "yes": "on", "false": "off", "no": "off"}.get(word.lower())
    if switch in axis.words:
        return f"; perhaps you meant {switch!r}"
    found = text.suggestion(word, axis.words) if axis.words else ""
    return found if "perhaps" in found else ""


def _variables(
    axis: Axis, node: yaml.Node, problems: Problems, consents: Container[str]
) -> Value | None:
    before = len(problems.found)
    pairs: list[tuple[str, str]] = []
    for name, value_node in text.mapping(node, f"a value of {axis.name}", problems).items():
        value = text.scalar(value_node, f"the variable {name}", problems)
        problem = None if value is None else _problem(name, value, consents)
        if problem is not None:
            problems.add(value_node, problem)
        elif value is not None:
            pairs.append((name, value))
    return tuple(sorted(pairs)) if len(problems.found) == before else None


def _problem(name: str, value: str, consents: Container[str]) -> str | None:
    """What is wrong with setting a variable to a value, None where nothing is."""
    if not variables.NAME.fullmatch(name):
        return f"{name!r} is no name of an environment variable"
    if "\0" in value or "\n" in value:
        return f"the value of {name} must be one line"
    refusal = variables.refusal(name)
    if refusal is not None:
        return f"the variable {name} may not be set: {refusal}"
    if name not in consents and variables.needs_consent(name, value):
        return (
            f"the variable {name} is not known to be harmless with this value: it could load code,"
            " write files, or change arithmetic behind an axis; if it is meant, say so with"
            f" `consent: {{{name}: WHY}}`, and every record will name it"
        )
    return None


def version(key: str, node: yaml.Node, problems: Problems) -> str | None:
    """The version `node` gives to an environment key: Python by minor, all others exact."""
    word = text.scalar(node, f"a version of {key}", problems)
    if word is None:
        return None
    if key == "python":
        if len(word) <= MAX_VERSION and _MINOR.fullmatch(word):
            return word
        problems.add(node, f"python is a minor version such as 3.10, not {word!r}")
        return None
    if len(word) <= MAX_VERSION and _RELEASE.fullmatch(word):
        return word
    problems.add(node, f"{key} must be one exact release{_examples(key, word)}, not {word!r}")
    return None


def _examples(key: str, word: str) -> str:
    if key != "tensorflow":
        return " such as " + {"numpy": "1.26.4", "keras": "3.4.1"}[key]
    same = [r for r in compatibility.releases() if r.startswith(f"{word}.")]
    return f" ({' or '.join(same)})" if same else " such as 2.15.1"
