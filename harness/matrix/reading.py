"""From the text of a matrix file to a `Matrix`, or to all of its problems at once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import yaml

from harness.errors import UsageError
from harness.matrix import text, values, variables
from harness.matrix.matrix import SCHEMA, Block, EnvironmentEntry, Exclusion, Matrix
from harness.matrix.text import Problem, Problems
from harness.matrix.values import ENVIRONMENT_KEYS, InvalidValueError
from harness.protocol import untrusted
from harness.protocol.axes import BY_NAME, NAMES, Axis, Value

KEYS = (
    "schema",
    "name",
    "description",
    "environments",
    "axes",
    "repeats",
    "consent",
    "include",
    "exclude",
)
REQUIRED = ("schema", "name", "environments")
NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}$")
MAX_REPEATS = 10_000
SHOWN = 200
"""So many problems are written out; nobody reads more."""

T = TypeVar("T")


class MatrixError(UsageError):
    """A matrix file with problems; the message has one `file:line:column: what` per problem."""

    def __init__(self, path: Path, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        count = len(self.problems)
        lines = [f"{path}:{p.line}:{p.column}: {p.message}" for p in self.problems[:SHOWN]]
        if count > SHOWN:
            lines.append(f"… and {count - SHOWN:,} more")
        head = f"{path} has {count} problem{'s' if count > 1 else ''}"
        super().__init__("\n".join([head, *lines]))


def read(path: Path) -> Matrix:
    """The matrix in the file at `path`.

    Raises:
        UsageError: the file cannot be read.
        MatrixError: it can, and these are all of its problems.
    """
    problems = Problems()
    matrix = parse(_source(path), problems)
    if matrix is None or problems.found:
        raise MatrixError(path, problems.found)
    return matrix


def _source(path: Path) -> str:
    try:
        with untrusted.open_regular(path, follow_links=True) as file:
            data = file.read(4 * text.MAX_CHARACTERS + 1)
        # As everywhere, the ends of lines are those of this file's own system.
        return data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    except OSError as error:
        why = f"cannot read this matrix file: {error.strerror}"
        raise UsageError(f"{path}: {why}") from error
    except UnicodeDecodeError as error:
        if error.start > 4 * text.MAX_CHARACTERS - 4:
            return data.decode("utf-8", "replace")  # cut in the middle of a character
        line, column = text.position(data, error.start)
        what = "this is not UTF-8 text; save the file as UTF-8"
        problem = Problem(line=line + 1, column=column + 1, message=what)
        raise MatrixError(path, [problem]) from error


def parse(source: str, problems: Problems) -> Matrix | None:
    """The matrix in a text; None and at least one problem where there is none."""
    root = text.compose(source, problems)
    if root is None:
        return None
    entries = text.mapping(root, "the matrix", problems, KEYS)
    present = {key for key, _ in text.key_nodes(root)}
    for key in REQUIRED:
        if isinstance(root, yaml.MappingNode) and key not in present:
            problems.add(root, f"the key {key!r} is missing")
    _check_schema(entries.get("schema"), problems)
    name = _name(entries.get("name"), problems)
    description = _text(entries.get("description"), "description", problems)
    environments = _environments(entries.get("environments"), problems)
    consents = _consents(entries.get("consent"), problems)
    main = Block(environments=environments, axes=_axes(entries.get("axes"), problems, consents))
    includes = _includes(entries.get("include"), environments, problems, consents)
    exclude = _exclusions(entries.get("exclude"), problems, consents)
    repeats = _repeats(entries.get("repeats"), problems)
    if problems.found:
        return None
    return Matrix(
        name=name,
        description=description,
        blocks=(main, *includes),
        exclude=exclude,
        repeats=repeats,
        consents=consents,
        source=source,
        sha256=hashlib.sha256(source.encode()).hexdigest(),
    )


def _check_schema(node: yaml.Node | None, problems: Problems) -> None:
    if node is None:
        return
    number = text.scalar(node, "schema", problems)
    if number is not None and number != str(SCHEMA):
        problems.add(node, f"schema {number} is not known; this version reads schema: {SCHEMA}")


def _name(node: yaml.Node | None, problems: Problems) -> str:
    word = text.scalar(node, "name", problems) if node is not None else None
    if node is not None and word is not None and not NAME.fullmatch(word):
        problems.add(
            node,
            f"the name {word!r} becomes a folder: use small letters, digits, '.', '_' and '-', "
            "first a letter or digit, 64 at most",
        )
    return word or ""


def _text(node: yaml.Node | None, what: str, problems: Problems) -> str:
    return (text.scalar(node, what, problems) or "") if node is not None else ""


def _repeats(node: yaml.Node | None, problems: Problems) -> int:
    word = text.scalar(node, "repeats", problems) if node is not None else "1"
    if word is None or node is None:
        return 1
    number = values.whole_number(word)
    if number is not None and 1 <= number <= MAX_REPEATS:
        return number
    problems.add(node, f"repeats must be a whole number from 1 to {MAX_REPEATS}, not {word!r}")
    return 1


def _environments(node: yaml.Node | None, problems: Problems) -> tuple[EnvironmentEntry, ...]:
    if node is None:
        return ()
    listed = isinstance(node, yaml.SequenceNode)
    members = text.items(node)
    if not members:
        problems.add(node, "environments is empty; it needs at least one tensorflow version")
    found = (_environment(member, problems, listed=listed) for member in members)
    return tuple(entry for entry in found if entry is not None)


def _consents(node: yaml.Node | None, problems: Problems) -> dict[str, str]:
    """Variables that the matrix sets on its own responsibility, each with the reason."""
    if node is None:
        return {}
    consents: dict[str, str] = {}
    for name, reason_node in text.mapping(node, "consent", problems).items():
        refusal = variables.refusal(name)
        if not variables.NAME.fullmatch(name):
            problems.add(reason_node, f"{name!r} is no name of an environment variable")
        elif refusal is not None:
            problems.add(reason_node, f"the variable {name} may not be set: {refusal}")
        consents[name] = text.scalar(reason_node, f"the reason for {name}", problems) or ""
    return consents


def _environment(node: yaml.Node, problems: Problems, *, listed: bool) -> EnvironmentEntry | None:
    entries = text.mapping(node, "an environment", problems, ENVIRONMENT_KEYS)
    if not isinstance(node, yaml.MappingNode):
        return None
    if "tensorflow" not in entries:
        problems.add(node, "an environment needs a tensorflow version")
        return None
    return _environment_entry(node, entries, problems, listed=listed)


def _environment_entry(
    node: yaml.Node, entries: Mapping[str, yaml.Node], problems: Problems, *, listed: bool
) -> EnvironmentEntry:
    """The environments that these entries of the mapping `node` name, `tensorflow` among them."""
    found: dict[str, tuple[str, ...]] = {
        key: _versions(key, value, problems) for key, value in entries.items()
    }
    written_out = listed and all(len(found[key]) == 1 for key in found)
    mark = node.start_mark
    return EnvironmentEntry(
        python=found.get("python", (None,)),
        tensorflow=found["tensorflow"],
        numpy=found.get("numpy", (None,)),
        keras=found.get("keras", (None,)),
        written_out=written_out,
        line=mark.line + 1,
        column=mark.column + 1,
    )


def _axes(
    node: yaml.Node | None, problems: Problems, consents: Container[str]
) -> dict[str, tuple[Value, ...]]:
    if node is None:
        return {}
    for key, key_node in text.key_nodes(node):
        if key in ENVIRONMENT_KEYS:
            problems.add(key_node, f"{key} belongs under environments, not under axes")
    entries = text.mapping(node, "axes", problems, (*NAMES, *ENVIRONMENT_KEYS))
    return _values(entries, problems, consents)


def _values(
    entries: Mapping[str, yaml.Node], problems: Problems, consents: Container[str]
) -> dict[str, tuple[Value, ...]]:
    """The values of each axis in these entries, in catalogue order."""
    present = [name for name in NAMES if name in entries]
    return {name: _axis(name, entries[name], problems, consents) for name in present}


def _axis(
    name: str, node: yaml.Node, problems: Problems, consents: Container[str]
) -> tuple[Value, ...]:
    axis = BY_NAME[name]
    found = [_value(axis, member, problems, consents) for member in text.items(node)]
    return _distinct(name, node, found, problems)


def _value(
    axis: Axis, node: yaml.Node, problems: Problems, consents: Container[str]
) -> Value | None:
    if axis.is_mapping:
        return _variables(axis, node, problems, consents)
    word = text.scalar(node, f"a value of {axis.name}", problems)
    return _checked(node, problems, lambda: values.axis_value(axis, word)) if word else None


def _variables(
    axis: Axis, node: yaml.Node, problems: Problems, consents: Container[str]
) -> Value | None:
    """The variables a mapping sets; each that may not be set is a problem at its own place."""
    before = len(problems.found)
    written: dict[str, str] = {}
    for name, value_node in text.mapping(node, f"a value of {axis.name}", problems).items():
        value = text.scalar(value_node, f"the variable {name}", problems)
        if value is not None:
            check = partial(values.check_variable, name, value, consents)
            _checked(value_node, problems, check)
            written[name] = value
    return None if len(problems.found) > before else tuple(sorted(written.items()))


def _versions(key: str, node: yaml.Node, problems: Problems) -> tuple[str, ...]:
    found = [_version(key, member, problems) for member in text.items(node)]
    return _distinct(key, node, found, problems)


def _version(key: str, node: yaml.Node, problems: Problems) -> str | None:
    word = text.scalar(node, f"a version of {key}", problems)
    return _checked(node, problems, lambda: values.version(key, word)) if word else None


def _checked(node: yaml.Node, problems: Problems, parse: Callable[[], T]) -> T | None:
    """What `parse` returns; None, and a problem at `node`, where it is not allowed."""
    try:
        return parse()
    except InvalidValueError as error:
        problems.add(node, str(error))
        return None


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


def _includes(
    node: yaml.Node | None,
    environments: tuple[EnvironmentEntry, ...],
    problems: Problems,
    consents: Container[str],
) -> tuple[Block, ...]:
    members = text.items(node) if node is not None else []
    return tuple(_include(member, environments, problems, consents) for member in members)


def _include(
    node: yaml.Node,
    environments: tuple[EnvironmentEntry, ...],
    problems: Problems,
    consents: Container[str],
) -> Block:
    entries = text.mapping(node, "an include", problems, (*ENVIRONMENT_KEYS, *NAMES))
    axes = _values(entries, problems, consents)
    own = {key: entries[key] for key in ENVIRONMENT_KEYS if key in entries}
    if not own:
        return Block(environments=environments, axes=axes)
    if "tensorflow" not in entries:
        problems.add(node, f"an include that names {next(iter(own))} must name its tensorflow too")
        return Block(environments=(), axes=axes)
    entry = _environment_entry(node, own, problems, listed=True)
    return Block(environments=(entry,), axes=axes)


def _exclusions(
    node: yaml.Node | None, problems: Problems, consents: Container[str]
) -> tuple[Exclusion, ...]:
    members = text.items(node) if node is not None else []
    return tuple(_exclusion(member, problems, consents) for member in members)


def _exclusion(node: yaml.Node, problems: Problems, consents: Container[str]) -> Exclusion:
    known = (*ENVIRONMENT_KEYS, *NAMES, "because")
    entries = text.mapping(node, "an exclude", problems, known)
    because = _text(entries.pop("because", None), "because", problems)
    if isinstance(node, yaml.MappingNode) and not because:
        problems.add(node, "an exclude needs `because: …`; the reason stands in the tables")
    if isinstance(node, yaml.MappingNode) and not entries:
        problems.add(node, "an exclude needs at least one axis or environment key to match")
    match: dict[str, tuple[Value, ...]] = {}
    for key, value in entries.items():
        if key in ENVIRONMENT_KEYS:
            match[key] = _versions(key, value, problems)
        else:
            match[key] = _axis(key, value, problems, consents)
    return Exclusion(match=match, because=because)
