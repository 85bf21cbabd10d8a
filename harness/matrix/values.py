"""One value of an axis or environment key: from what is written to what the program uses.

Matrix files and records say the same by the same rules.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Container, Mapping, Sequence

from packaging.utils import canonicalize_name

from harness import compatibility
from harness.matrix import legacy_keras, text, variables
from harness.protocol.axes import Axis, Value
from harness.subjects.reference import with_names

ENVIRONMENT_KEYS = ("python", "tensorflow", "numpy", "keras")

PARAMETER = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""The name of a script's parameter."""
MAX_CHARACTERS = 1_000
MAX_DIGITS = 12
MAX_VERSION = 40
_WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]*")
_RELEASE = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+((a|b|rc|\.post)[0-9]+)?")
_MINOR = re.compile(r"[0-9]+\.[0-9]+")
_REQUIREMENT = re.compile(r"(?P<name>[0-9A-Za-z][0-9A-Za-z._-]{0,63})(==(?P<version>[^=]*))?")
_ANY_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.]{0,39}")


class InvalidValueError(ValueError):
    """A value that is not allowed; the message says which are."""


def axis_value(
    axis: Axis,
    written: str | int | Mapping[str, str],
    consents: Container[str] = (),
    scripts: Collection[str] = (),
) -> Value:
    """The value of `axis` that is written as `written`.

    `consents` are the names of variables that the matrix sets on its own responsibility, `scripts`
    those of the scripts that it brings.

    Raises:
        InvalidValueError: the axis has no such value.
    """
    axis = with_names(axis, scripts)
    if isinstance(written, Mapping) and axis.is_mapping:
        for name, value in written.items():
            if axis.name == "env":
                check_variable(name, value, consents)
            else:
                parameter_value(name, value)
        return tuple(sorted(written.items()))
    word = str(written)
    number = whole_number(word)
    if word in axis.words:
        return word
    if number is not None and _in_bounds(axis, number):
        return number
    if axis.parts and "+" in word:
        return joined(axis, word.split("+"))
    hint = _hint(axis, word)
    raise InvalidValueError(f"{axis.name} cannot be {word!r}; allowed: {axis.allowed}{hint}")


def joined(axis: Axis, words: Sequence[str]) -> str:
    """The value of `axis` that these of its parts are together.

    Raises:
        InvalidValueError: one of them is no part.
    """
    for word in words:
        if word not in axis.parts:
            allowed = ", ".join(axis.parts)
            raise InvalidValueError(f"{axis.name} cannot join {word!r}; allowed: {allowed}")
    chosen = [part for part in axis.parts if part in words]
    if len(chosen) == len(axis.parts):
        return "all"
    return "+".join(chosen) or "none"


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
    suggestion = text.suggestion(word, axis.words) if axis.words else ""
    return suggestion if "perhaps" in suggestion else ""


def parameter_value(name: str, value: str) -> str:
    """The value of a script's parameter.

    Raises:
        InvalidValueError: a script cannot have this parameter, or not with this value.
    """
    if not PARAMETER.fullmatch(name):
        what = "small letters, digits and '_', first a letter, 64 at most"
        raise InvalidValueError(f"the parameter {name!r} needs a name of {what}")
    if "\0" in value or "\n" in value or not 0 < len(value) <= MAX_CHARACTERS:
        raise InvalidValueError(
            f"a value of {name} must be one line of at most {MAX_CHARACTERS:,} characters"
        )
    return value


def check_variable(name: str, value: str, consents: Container[str] = ()) -> None:
    """Refuse an environment variable that a matrix may not set, or not to this value.

    Raises:
        InvalidValueError: that is so.
    """
    if not variables.NAME.fullmatch(name):
        raise InvalidValueError(f"{name!r} is no name of an environment variable")
    if not value or "\0" in value or "\n" in value:
        raise InvalidValueError(f"the value of {name} must be one line, and not empty")
    refusal = variables.refusal(name)
    if refusal is not None:
        raise InvalidValueError(f"the variable {name} may not be set: {refusal}")
    if name not in consents and variables.needs_consent(name, value):
        raise InvalidValueError(
            f"the variable {name} {variables.objection(name)}; if it is meant, say so with"
            f" `consent: {{{name}: WHY}}`, and every record will name it"
        )


def version(key: str, word: str) -> str:
    """The version an environment key has: Python by minor, all others exact.

    Raises:
        InvalidValueError: it is no such version.
    """
    if key == "keras" and legacy_keras.is_requirement(word):
        return requirement(word)
    form = _MINOR if key == "python" else _RELEASE
    if len(word) <= MAX_VERSION and form.fullmatch(word):
        return word
    if key == "python":
        raise InvalidValueError(f"python is a minor version such as 3.10, not {word!r}")
    raise InvalidValueError(f"{key} must be one exact release{_examples(key, word)}, not {word!r}")


def requirement(word: str) -> str:
    """A package as locks and ids name it: `NAME` or `NAME==VERSION`, the name normalised.

    Raises:
        InvalidValueError: it is neither.
    """
    match = _REQUIREMENT.fullmatch(word)
    version = match["version"] if match else None
    if match is None or (version is not None and not _ANY_VERSION.fullmatch(version)):
        raise InvalidValueError(f"{word[:80]!r} is no package: write NAME or NAME==VERSION")
    name = canonicalize_name(match["name"])
    return name if version is None else f"{name}=={version}"


def _examples(key: str, word: str) -> str:
    if key != "tensorflow":
        return " such as " + {"numpy": "1.26.4", "keras": "3.4.1"}[key]
    same = [r for r in compatibility.releases() if r.startswith(f"{word}.")]
    return f" ({' or '.join(same)})" if same else " such as 2.15.1"
