"""Whether the scripts of a matrix can do what its axes ask of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import yaml

from harness import compatibility
from harness.matrix import legacy_keras, text
from harness.matrix.matrix import Block, EnvironmentEntry
from harness.matrix.text import Problems
from harness.protocol import script
from harness.protocol.axes import BY_NAME, CATALOGUE, Value
from harness.subjects.scripts import ScriptEntry

_VALUE = {"shuffle": "on or off"}


def check(
    block: Block,
    node: yaml.Node,
    entries: Mapping[str, yaml.Node],
    scripts: Mapping[str, ScriptEntry],
    problems: Problems,
) -> None:
    """Note what a block asks of its scripts in vain; `node` is its mapping, `entries` its keys."""
    named = [scripts[name] for name in _workloads(block) if name in scripts]
    for entry in named:
        carried = placeholders(entry)
        _check_carried(entry, carried, block, entries, problems)
        _check_reference_only(entry, block, entries, problems)
        _check_values(entry, carried, block, node, problems)
        _check_seed(entry, carried, block, entries, problems)
    _check_parameters(named, block, entries, problems)
    _check_legacy_keras(block, entries, problems)


def check_use(
    node: yaml.Node | None,
    blocks: Iterable[Block],
    scripts: Mapping[str, ScriptEntry],
    problems: Problems,
) -> None:
    """Note scripts that no block trains."""
    used = {name for block in blocks for name in _workloads(block)}
    for name, key in text.key_nodes(node):
        if name in scripts and name not in used:
            problems.add(key, f"nothing trains {name}; add `workload: {name}` to axes")


def placeholders(entry: ScriptEntry) -> frozenset[str]:
    """The names in the arguments of a script; arguments that are none have no names."""
    found: set[str] = set()
    for argument in entry.arguments:
        try:
            found.update(script.placeholders(argument))
        except ValueError:
            continue
    return frozenset(found)


def _workloads(block: Block) -> list[str]:
    return [str(value) for value in block.axes.get("workload", ())]


def _asked(block: Block, name: str) -> tuple[Value, ...]:
    """The values that a block gives an axis for its scripts."""
    return block.axes.get(name, (BY_NAME[name].script_default,))


def _check_carried(
    entry: ScriptEntry,
    carried: frozenset[str],
    block: Block,
    entries: Mapping[str, yaml.Node],
    problems: Problems,
) -> None:
    for name in script.CARRIED:
        left = (BY_NAME[name].script_default, *BY_NAME[name].reference_only)
        if name not in carried and any(value not in left for value in _asked(block, name)):
            problems.add(entries[name], f"{name}: no argument of {entry.name} has {{{name}}}")


def _check_reference_only(
    entry: ScriptEntry, block: Block, entries: Mapping[str, yaml.Node], problems: Problems
) -> None:
    for axis in CATALOGUE:
        for value in axis.reference_only:
            if value in block.axes.get(axis.name, ()):
                problems.add(
                    entries[axis.name],
                    f"{axis.name}: {value} acts on reference trainings only, and {entry.name} is a "
                    "script; ask for it in a block of `include` that names no script",
                )


def _check_values(
    entry: ScriptEntry,
    carried: frozenset[str],
    block: Block,
    node: yaml.Node,
    problems: Problems,
) -> None:
    for name in script.CARRIED:
        default = BY_NAME[name].script_default
        if name in carried and default in _asked(block, name):
            value = _VALUE.get(name, "a number")
            problems.add(
                node,
                f"{name} has no value here, and stands as {{{name}}} in the arguments of "
                f"{entry.name}; give it {value}",
            )


def _check_seed(
    entry: ScriptEntry,
    carried: frozenset[str],
    block: Block,
    entries: Mapping[str, yaml.Node],
    problems: Problems,
) -> None:
    seeds_itself = set(_asked(block, "seeding")) == {"none"}
    if "seed" not in carried and seeds_itself and "seed" in block.axes:
        problems.add(
            entries["seed"],
            f"seed: no argument of {entry.name} has {{seed}}, and seeding is none for a script; "
            "add one, or name generators under seeding",
        )


def _check_parameters(
    named: list[ScriptEntry], block: Block, entries: Mapping[str, yaml.Node], problems: Problems
) -> None:
    known = {name for entry in named for name in entry.parameters}
    for name in block.parameters:
        if name not in known:
            problems.add(entries[name], f"no workload here has the parameter {name}; leave it out")


def _check_legacy_keras(block: Block, entries: Mapping[str, yaml.Node], problems: Problems) -> None:
    variables = [dict(v) for v in block.axes.get("env", ()) if isinstance(v, tuple)]
    if not any(legacy_keras.is_asked_for(each) for each in variables):
        return
    if any(_lacks_legacy_keras(entry) for entry in block.environments):
        problems.add(
            entries["env"],
            f"{legacy_keras.VARIABLE} needs the package {legacy_keras.PACKAGE}: write `keras: "
            f"{legacy_keras.PACKAGE}` under environments, which sets the variable, too",
        )


def _lacks_legacy_keras(entry: EnvironmentEntry) -> bool:
    """Whether an environment of this entry needs the package for the variable and is without."""
    needed = any(compatibility.legacy_keras(version) for version in entry.tensorflow)
    return needed and not all(keras and legacy_keras.is_requirement(keras) for keras in entry.keras)
