"""From the text of a matrix file to a `Matrix`, or to all of its problems at once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from harness.matrix import (
    claim_entries,
    machine_kinds,
    text,
    value_nodes,
    values,
    variables,
    workload_checks,
    workload_entries,
    yaml_file,
)
from harness.matrix.matrix import SCHEMA, Block, EnvironmentEntry, Exclusion, Matrix
from harness.matrix.text import Problems
from harness.matrix.value_nodes import AXIS_KEYS, Declared
from harness.matrix.values import ENVIRONMENT_KEYS
from harness.matrix.yaml_file import FileProblemsError
from harness.protocol.axes import Value

KEYS = (
    "schema",
    "name",
    "description",
    "environments",
    "workloads",
    "axes",
    "repeats",
    "consent",
    "include",
    "exclude",
    "claims",
    "machines",
)
REQUIRED = ("schema", "name", "environments")
NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}$")
MAX_REPEATS = 10_000


def read(path: Path) -> Matrix:
    """The matrix in the file at `path`.

    Raises:
        UsageError: the file cannot be read.
        FileProblemsError: it can, and these are all of its problems.
    """
    problems = Problems()
    matrix = parse(yaml_file.text_of(path, "matrix file"), problems, path.absolute().parent)
    if matrix is None or problems.found:
        raise FileProblemsError(path, problems.found)
    return matrix


def parse(source: str, problems: Problems, folder: Path | None = None) -> Matrix | None:
    """The matrix in a text; None and at least one problem where there is none.

    `folder` is where the file lies: a matrix without one can name no scripts.
    """
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
    consents = _consents(entries.get("consent"), problems)
    scripts = workload_entries.read(entries.get("workloads"), folder, problems)
    declared = Declared(consents=consents, scripts=scripts)
    main = _main(entries, problems, declared)
    environments = main.environments
    includes = [_include(n, environments, problems, declared) for n in _all(entries, "include")]
    exclude = [_exclusion(node, problems, declared) for node in _all(entries, "exclude")]
    _check_consents(entries.get("consent"), (main, *includes), problems)
    workload_checks.check_use(entries.get("workloads"), (main, *includes), scripts, problems)
    repeats = _repeats(entries.get("repeats"), problems)
    claims = claim_entries.read(_all(entries, "claims"), problems, declared)
    machines = machine_kinds.read(entries.get("machines"), problems)
    if problems.found:
        return None
    matrix = Matrix(
        name=name,
        description=description,
        blocks=(main, *includes),
        exclude=tuple(exclude),
        repeats=repeats,
        consents=consents,
        source=source,
        sha256=hashlib.sha256(source.encode()).hexdigest(),
        scripts=scripts,
        claims=tuple(entry.claim for entry in claims),
        machines=machines,
    )
    claim_entries.check(claims, matrix, problems)
    return None if problems.found else matrix


def _all(entries: Mapping[str, yaml.Node], key: str) -> list[yaml.Node]:
    return text.items(entries[key]) if key in entries else []


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


def _check_consents(node: yaml.Node | None, blocks: Iterable[Block], problems: Problems) -> None:
    """Note consents to variables that no block sets."""
    values = (value for block in blocks for value in block.axes.get("env", ()))
    used = {name for value in values if isinstance(value, tuple) for name, _ in value}
    for name, key in text.key_nodes(node):
        if name not in used:
            problems.add(key, f"nothing here sets the variable {name}; leave its consent out")


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
        key: value_nodes.versions(key, value, problems) for key, value in entries.items()
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


def _main(entries: Mapping[str, yaml.Node], problems: Problems, declared: Declared) -> Block:
    """The product of `environments` and `axes`."""
    environments = _environments(entries.get("environments"), problems)
    node = entries.get("axes")
    if node is None:
        return Block(environments=environments, axes={})
    for key, key_node in text.key_nodes(node):
        if key in ENVIRONMENT_KEYS:
            problems.add(key_node, f"{key} belongs under environments, not under axes")
    known = (*AXIS_KEYS, *declared.parameters, *ENVIRONMENT_KEYS)
    values_of = text.mapping(node, "axes", problems, known)
    return _block(node, values_of, environments, problems, declared)


def _block(
    node: yaml.Node,
    entries: Mapping[str, yaml.Node],
    environments: tuple[EnvironmentEntry, ...],
    problems: Problems,
    declared: Declared,
) -> Block:
    block = Block(
        environments=environments,
        axes=value_nodes.axes(entries, problems, declared),
        parameters=value_nodes.parameters(entries, problems, declared),
    )
    workload_checks.check(block, node, entries, declared.scripts, problems)
    return block


def _include(
    node: yaml.Node,
    environments: tuple[EnvironmentEntry, ...],
    problems: Problems,
    declared: Declared,
) -> Block:
    known = (*ENVIRONMENT_KEYS, *AXIS_KEYS, *declared.parameters)
    entries = text.mapping(node, "an include", problems, known)
    own = {key: entries[key] for key in ENVIRONMENT_KEYS if key in entries}
    if own and "tensorflow" not in entries:
        problems.add(node, f"an include that names {next(iter(own))} must name its tensorflow too")
        environments = ()
    elif own:
        environments = (_environment_entry(node, own, problems, listed=True),)
    return _block(node, entries, environments, problems, declared)


def _exclusion(node: yaml.Node, problems: Problems, declared: Declared) -> Exclusion:
    known = (*ENVIRONMENT_KEYS, *AXIS_KEYS, *declared.parameters, "because")
    entries = text.mapping(node, "an exclude", problems, known)
    because = _text(entries.pop("because", None), "because", problems)
    if isinstance(node, yaml.MappingNode) and not because:
        problems.add(node, "an exclude needs `because: …`; the reason stands in the tables")
    if isinstance(node, yaml.MappingNode) and not entries:
        problems.add(node, "an exclude needs at least one axis or environment key to match")
    match = {key: _matched(key, value, problems, declared) for key, value in entries.items()}
    return Exclusion(match=match, because=because)


def _matched(
    key: str, node: yaml.Node, problems: Problems, declared: Declared
) -> tuple[Value, ...]:
    if key in ENVIRONMENT_KEYS:
        return value_nodes.versions(key, node, problems)
    if key in AXIS_KEYS:
        return value_nodes.axis(key, node, problems, declared)
    return value_nodes.parameter(key, node, problems)
